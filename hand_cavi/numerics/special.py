"""scipy's special functions, imported at the first call.

Importing them takes longer than importing numpy, and whoever fits the textbook model needs few of them.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def betaln(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Return ln B(a, b)."""
    from scipy.special import betaln

    return betaln(a, b)


def digamma(x: ArrayLike) -> np.ndarray:
    """Return psi(x), the derivative of ln Gamma."""
    from scipy.special import digamma

    return digamma(x)


def entr(x: ArrayLike) -> np.ndarray:
    """Return -x ln x, with 0 ln 0 = 0."""
    from scipy.special import entr

    return entr(x)


def gammaln(x: ArrayLike) -> np.ndarray:
    """Return ln Gamma(x)."""
    from scipy.special import gammaln

    return gammaln(x)


def logsumexp(x: ArrayLike, axis: int | None = None) -> Any:
    """Return ln sum exp x along an axis, without overflow; of all of x where there is none."""
    terms, shift = _exponentials(np.ravel(x) if axis is None else x, axis or 0)
    with np.errstate(divide="ignore"):
        return np.log(terms.sum(axis=0)) + shift


def softmax(x: ArrayLike) -> np.ndarray:
    """Return exp x along the last axis as shares of their sum."""
    terms, _ = _exponentials(x, -1)
    terms /= terms.sum(axis=0)
    return np.ascontiguousarray(np.moveaxis(terms, 0, -1))


def _exponentials(x: ArrayLike, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return exp(x - shift) with the axis in front, where numpy sums a short one fast, and the shift."""
    terms = np.array(np.moveaxis(np.asarray(x, dtype=float), axis, 0), order="C")
    top = terms.max(axis=0, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, 0.0)
    terms -= shift
    with np.errstate(over="ignore"):
        return np.exp(terms, out=terms), shift


def multigammaln(a: ArrayLike, d: int) -> np.ndarray:
    """Return ln Gamma_D(a), the multivariate gamma function."""
    from scipy.special import multigammaln

    return multigammaln(a, d)


def trigamma(x: ArrayLike) -> np.ndarray:
    """Return psi'(x), the second derivative of ln Gamma."""
    from scipy.special import polygamma

    return polygamma(1, x)


def ndtr(x: ArrayLike) -> np.ndarray:
    """Return the standard normal's distribution function."""
    from scipy.special import ndtr

    return ndtr(x)


def ndtri(p: float) -> float:
    """Return the standard normal's quantile at p."""
    from scipy.special import ndtri

    return float(ndtri(p))
