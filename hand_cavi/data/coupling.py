r"""How the sums of statistics move with the expectations: the derivative of a pass over the data.

Responsibilities r_ik are proportional to exp(< E_k, T(x_i) > + E ln pi_k), and softmax has the derivative
r_ik ([k = l] - r_il), so that of S_k = sum_i w_i r_ik T(x_i)

    M_kl = d S_k / d E_l = sum_i w_i r_ik ([k = l] - r_il) T(x_i) T(x_i)',    symmetric, not negative.

The last entry of T is 1: a push of E ln pi_k is one of the last entry of E_k.
"""

import numpy as np

from hand_cavi.data.kernels import softmax_rows
from hand_cavi.numerics.moments import block_diagonal

_BLOCK = 1 << 18  # numbers held at once: 2 MB
_PRODUCT = 1 << 18  # multiplications, up to which OpenBLAS takes one thread


def coupling(
    statistics: np.ndarray, weight: np.ndarray, expected_phi: np.ndarray, expected_log_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return M, shape (K P, K P), and the sums S, shape (K, P), from one pass over blocks of rows.

    Parameters
    ----------
    statistics : ndarray, shape (N, P)
        T(x_i).
    weight : ndarray, shape (N,)
    expected_phi : ndarray, shape (K, P)
    expected_log_weights : ndarray, shape (K,)
    """
    n_components, n_statistics = expected_phi.shape
    size = expected_phi.size
    own = np.zeros((n_components, n_statistics * n_statistics))  # sum_i w_i r_ik T T', the part with [k = l]
    across = np.zeros((size, size))  # sum_i w_i r_ik r_il T T'
    sums = np.zeros((n_components, n_statistics))
    for start in range(0, len(statistics), step := max(1, _BLOCK // size)):
        t, w = statistics[start : start + step], weight[start : start + step, np.newaxis]
        r = softmax_rows(t @ expected_phi.T + expected_log_weights)[0]
        shared = ((r * np.sqrt(w))[:, :, np.newaxis] * t[:, np.newaxis, :]).reshape(-1, size)
        across += _gram(shared)
        r *= w
        own += r.T @ (t[:, :, np.newaxis] * t[:, np.newaxis, :]).reshape(len(t), -1)
        sums += r.T @ t
    return block_diagonal(own.reshape(n_components, n_statistics, n_statistics)) - across, sums


def _gram(matrix: np.ndarray) -> np.ndarray:
    """Return the product of a matrix's transpose with it, by pieces so small that few wake a thread."""
    n_columns = matrix.shape[1]
    piece = max(n_columns, _PRODUCT // n_columns**2)
    whole = len(matrix) - len(matrix) % piece
    pieces, rest = matrix[:whole].reshape(-1, piece, n_columns), matrix[whole:]
    return np.matmul(pieces.transpose(0, 2, 1), pieces).sum(axis=0) + rest.T @ rest
