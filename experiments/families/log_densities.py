"""Log densities as tables of distributions have them (PRML, appendix B), to hold derivations against.

Nothing is taken from `hand_cavi`, whose natural parameters and log-partitions are what is checked by these;
so scipy is imported here, where it is needed.
"""

import numpy as np

LN_2PI = float(np.log(2 * np.pi))


def normal(x: np.ndarray, mean: np.ndarray, precision: np.ndarray | float) -> np.ndarray:
    """Return ln N(x | mean, 1 / precision)."""
    return (np.log(precision) - LN_2PI - precision * (x - mean) ** 2) / 2


def gamma(x: np.ndarray, shape: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return ln Gamma(x | shape, rate)."""
    from scipy.special import gammaln

    return shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(x) - rate * x


def dirichlet(log_p: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Return ln Dirichlet(p | concentration) against Lebesgue measure on all entries but one, (...,)."""
    from scipy.special import gammaln

    constant = gammaln(concentration.sum(axis=-1)) - gammaln(concentration).sum(axis=-1)
    return constant + np.sum((concentration - 1) * log_p, axis=-1)


def wishart(matrix: np.ndarray, degrees_of_freedom: float, scale_inverse: np.ndarray) -> np.ndarray:
    """Return ln Wishart of matrices (..., D, D): PRML B.78 with W = scale_inverse^-1."""
    from scipy.special import multigammaln

    size, nu = len(scale_inverse), degrees_of_freedom
    constant = (
        nu / 2 * np.linalg.slogdet(scale_inverse)[1] - nu * size / 2 * np.log(2) - multigammaln(nu / 2, size)
    )
    trace = np.einsum("ij,...ji->...", scale_inverse, matrix)
    return constant + (nu - size - 1) / 2 * np.linalg.slogdet(matrix)[1] - trace / 2


def multinormal(x: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Return ln N(x | mean, precision^-1) of vectors (..., D)."""
    away = x - mean
    square = np.einsum("...i,...ij,...j->...", away, precision, away)
    return (np.linalg.slogdet(precision)[1] - x.shape[-1] * LN_2PI - square) / 2
