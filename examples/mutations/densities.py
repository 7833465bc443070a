"""Log densities and draws that every derivation of the gallery needs; none of them is ever mutated.

Everything is vectorised over leading axes. Normals are told by their variance, Gammas by their rate, Wisharts
by the inverse of their scale.
"""

import numpy as np
from scipy.special import betaln, gammaln, multigammaln, xlogy

Draws = dict[str, np.ndarray]
"""Draws by the variable's name, each with a leading axis of S draws."""


def log_normal(x: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    """Return ln N(x | mean, variance), elementwise."""
    return -0.5 * np.log(2 * np.pi * variance) - 0.5 * (x - mean) ** 2 / variance


def log_gamma(x: np.ndarray, shape: np.ndarray | float, rate: np.ndarray | float) -> np.ndarray:
    """Return ln Gamma(x | shape, rate), elementwise."""
    return shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(x) - rate * x


def log_beta(v: np.ndarray, a: np.ndarray | float, b: np.ndarray | float) -> np.ndarray:
    """Return ln Beta(v | a, b), elementwise."""
    return (a - 1) * np.log(v) + (b - 1) * np.log1p(-v) - betaln(a, b)


def log_dirichlet(p: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return ln Dirichlet(p | alpha), summed over the last axis; a density of the first entries of p."""
    return np.sum((alpha - 1) * np.log(p), axis=-1) + log_c(alpha)


def log_c(alpha: np.ndarray) -> np.ndarray:
    """Return ln C(alpha) = ln Gamma(sum alpha) - sum ln Gamma(alpha) (Bishop, B.23), over the last axis."""
    return gammaln(alpha.sum(axis=-1)) - gammaln(alpha).sum(axis=-1)


def log_poisson(x: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return ln Poisson(x | rate), elementwise."""
    return xlogy(x, rate) - rate - gammaln(x + 1)


def log_normal_precision(x: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Return ln N(x | mean, precision^-1) for x (..., D) and precision (..., D, D)."""
    away = x - mean
    square = np.sum(np.einsum("...i,...ij->...j", away, precision) * away, axis=-1)
    return 0.5 * log_determinant(precision) - 0.5 * x.shape[-1] * np.log(2 * np.pi) - 0.5 * square


def log_wishart(precision: np.ndarray, nu: np.ndarray, w_inverse: np.ndarray) -> np.ndarray:
    """Return ln Wishart(precision | nu, W) for precision (..., D, D), given W^-1."""
    dims = precision.shape[-1]
    trace = np.sum(w_inverse * precision, axis=(-2, -1))  # both are symmetric
    log_det = log_determinant(precision)
    return log_b(nu, w_inverse) + (nu - dims - 1) / 2 * log_det - trace / 2


def log_b(nu: np.ndarray, w_inverse: np.ndarray) -> np.ndarray:
    """Return ln B(W, nu), the Wishart's normaliser (Bishop, B.79), given W^-1."""
    dims = w_inverse.shape[-1]
    return nu / 2 * log_determinant(w_inverse) - nu * dims / 2 * np.log(2) - multigammaln(nu / 2, dims)


def log_determinant(a: np.ndarray) -> np.ndarray:
    """Return ln |a| of positive definite matrices (..., D, D)."""
    if a.shape[-1] == 2:  # many small matrices: far faster, and as exact as is needed
        return np.log(a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0])
    return 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(a), axis1=-2, axis2=-1)), axis=-1)


def wishart_draws(rng: np.random.Generator, n: int, nu: np.ndarray, w_inverse: np.ndarray) -> np.ndarray:
    """Return n draws of K Wisharts, shape (n, K, D, D), by Bartlett's decomposition."""
    k, dims = w_inverse.shape[:2]
    a = np.tril(rng.standard_normal((n, k, dims, dims)), -1)
    degrees = nu[:, np.newaxis] - np.arange(dims)
    a[..., np.arange(dims), np.arange(dims)] = np.sqrt(rng.chisquare(degrees, (n, k, dims)))
    factor = np.linalg.cholesky(np.linalg.inv(w_inverse)) @ a
    return factor @ np.swapaxes(factor, -1, -2)


def dirichlet_draws(rng: np.random.Generator, n: int, alpha: np.ndarray) -> np.ndarray:
    """Return n draws of Dirichlets over the last axis of alpha, shape (n, *alpha.shape)."""
    gamma = np.maximum(rng.standard_gamma(alpha, (n, *alpha.shape)), np.finfo(float).tiny)
    return gamma / gamma.sum(axis=-1, keepdims=True)


def assignment_draws(rng: np.random.Generator, n: int, r: np.ndarray) -> np.ndarray:
    """Return n draws of all N assignments, shape (n, N), with probabilities r (N, K)."""
    cumulative = np.cumsum(r, axis=1)[:, :-1]
    return np.sum(rng.random((n, len(r), 1)) > cumulative, axis=2)


def log_assignments(c: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return ln q(c) = sum_i ln r_{i, c_i} for c (S, N), shape (S,)."""
    with np.errstate(divide="ignore"):
        log_r = np.log(r)
    return log_r[np.arange(len(r)), c].sum(axis=1)
