r"""Moments of a precision matrix Lambda ~ Wishart(W, nu), of ln|Lambda|, and of its Cholesky factor.

Bartlett's decomposition: with W = F F', the lower Cholesky factor of Lambda = L L' is L = F A, where A is
lower triangular, A_jj^2 is chi-squared with n_j = nu - j + 1 degrees of freedom (j = 1, ..., D), entries
below the diagonal are standard normal, and all are independent. So E[L_ij] = F_ij E[A_jj] and E[ln L_jj] =
ln F_jj + E[ln A_jj], and columns of L are independent of each other.

Covariances with Lambda and ln|Lambda| are derivatives, as these are the Wishart's statistics: its density is
proportional to exp(-tr(W^-1 Lambda)/2 + (nu - D - 1) ln|Lambda| / 2), hence for any function h of Lambda

    Cov[h, tr(T Lambda)] = -2 d E[h] along d W^-1 = T,      Cov[h, ln|Lambda|] = 2 d E[h] / d nu,

for a symmetric T. Along d W^-1 = T the factor moves by dF = -F low(F' T F), where low() keeps the lower
triangle and halves the diagonal (from dW = dF F' + F dF'; Giles 2008, section 2.3.4 on Cholesky).

Letters: D features, Q = D(D+1)/2 entries of a lower triangle, row by row.
Sources: Bishop, PRML (2006), B.78 to B.82; Bartlett (1933); Anderson (2003), section 7.2.
"""

import numpy as np

from hand_cavi.numerics.special import digamma, gammaln, trigamma
from hand_cavi.numerics.symmetric import lower_triangle

_MANY = 100  # degrees of freedom from which a series is more exact than a difference of ln Gamma


def covariance(w: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """Return the covariance of (Lambda's lower triangle, ln|Lambda|), shape (..., Q + 1, Q + 1).

    Cov[Lambda_ij, Lambda_kl] = nu (W_ik W_jl + W_il W_jk), Cov[Lambda, ln|Lambda|] = 2 W, and
    Var[ln|Lambda|] = sum_j psi'(n_j / 2).

    Parameters
    ----------
    w : ndarray, shape (..., D, D)
        W.
    nu : ndarray, shape (...)
    """
    row, column = lower_triangle(w.shape[-1])
    i, j, k, l = row[:, np.newaxis], column[:, np.newaxis], row, column
    matrix = np.empty((*nu.shape, len(row) + 1, len(row) + 1))
    four = w[..., i, k] * w[..., j, l] + w[..., i, l] * w[..., j, k]
    matrix[..., :-1, :-1] = nu[..., np.newaxis, np.newaxis] * four
    matrix[..., :-1, -1] = matrix[..., -1, :-1] = 2 * w[..., row, column]
    matrix[..., -1, -1] = trigamma(_degrees(w, nu) / 2).sum(axis=-1)
    return matrix


def of_log_cholesky(w: np.ndarray, nu: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return moments of L's lower triangle, the entries of the diagonal as logarithms.

    Parameters
    ----------
    w : ndarray, shape (..., D, D)
        W.
    nu : ndarray, shape (...)

    Returns
    -------
    mean : ndarray, shape (..., Q)
    covariance : ndarray, shape (..., Q, Q)
    with_statistics : ndarray, shape (..., Q, Q + 1)
        The covariance with (Lambda's lower triangle, ln|Lambda|).
    """
    n_features = w.shape[-1]
    row, column = lower_triangle(n_features)
    on_diagonal = row == column
    root = np.linalg.cholesky(w)  # F
    chi = _Chi(_degrees(w, nu))

    diagonal = np.diagonal(root, axis1=-2, axis2=-1)
    log_diagonal = (np.log(diagonal) + chi.mean_log)[..., column]
    mean = np.where(on_diagonal, log_diagonal, root[..., row, column] * chi.mean[..., column])

    # A column j of L is F_.j A_jj + sum_{m > j} F_.m A_mj; its own diagonal entry enters by ln A_jj alone.
    below = np.where(on_diagonal, 0.0, root[..., row, column])  # F_ij of entries below the diagonal
    later = np.arange(n_features) > column[:, np.newaxis]  # (Q, m): m > j
    rest = np.where(later, root[..., row, :], 0.0)
    pair = below[..., :, np.newaxis] * below[..., np.newaxis, :] * chi.variance[..., column, np.newaxis]
    pair = pair + rest @ np.swapaxes(rest, -1, -2)
    mixed = on_diagonal[:, np.newaxis] * (below * chi.with_log[..., column])[..., np.newaxis, :]
    logs = np.eye(len(row)) * np.where(on_diagonal, chi.variance_log[..., column], 0.0)[..., np.newaxis]
    same_column = column[:, np.newaxis] == column
    covariance = np.where(same_column, pair + mixed + np.swapaxes(mixed, -1, -2) + logs, 0.0)

    # F' T F for T = (e_r e_c' + e_c e_r')/2, so that tr(T Lambda) = Lambda_rc; axes (..., r c, a, b).
    turned = root[..., row, :, np.newaxis] * root[..., column, np.newaxis, :]
    turned = (turned + np.swapaxes(turned, -1, -2)) / 2
    low = np.tril(turned) - np.eye(n_features) * turned / 2
    moved = 2 * (root[..., np.newaxis, :, :] @ low)[..., row, column]  # -2 dF: (..., r c, entry of L)
    relative = np.where(on_diagonal, 1 / diagonal[..., column], chi.mean[..., column])
    with_lambda = np.swapaxes(moved * relative[..., np.newaxis, :], -1, -2)
    with_log = np.where(on_diagonal, 2 * chi.variance_log[..., column], 2 * below * chi.with_log[..., column])
    return mean, covariance, np.concatenate([with_lambda, with_log[..., np.newaxis]], axis=-1)


class _Chi:
    """Moments of A and ln A for A^2 chi-squared with n degrees of freedom."""

    def __init__(self, n: np.ndarray) -> None:
        few = np.minimum(n, _MANY)
        exact = np.exp(gammaln((few + 1) / 2) - gammaln(few / 2)) * np.sqrt(2)
        one = 1 / n
        series = 1 - one / 4 * (1 - one / 8 * (1 + one * 5 / 4 * (1 - one * 21 / 80)))
        self.mean = np.where(n < _MANY, exact, np.sqrt(n) * series)  # E[A]
        self.variance = n - self.mean**2
        self.mean_log = (digamma(n / 2) + np.log(2)) / 2
        self.variance_log = trigamma(n / 2) / 4
        self.with_log = self.mean * (digamma((n + 1) / 2) - digamma(n / 2)) / 2  # Cov[A, ln A] = d E[A] / dn


def _degrees(w: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """Return n_j = nu - j + 1, j = 1, ..., D, shape (..., D)."""
    return nu[..., np.newaxis] - np.arange(w.shape[-1])
