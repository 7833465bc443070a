"""Special functions: scipy's, but for a few numbers, as a fit of few components has.

Importing scipy's takes longer than to fit a few hundred points, so that they are imported where they pay.
How many numbers there are decides, and nothing else.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_FEW = 8  # numbers; for more, scipy's loop is worth its import


def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> np.ndarray:
    """Return the beta distribution's function at x."""
    from scipy.special import betainc

    return betainc(a, b, x)


def betaln(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Return ln B(a, b)."""
    from scipy.special import betaln

    return betaln(a, b)


def digamma(x: ArrayLike) -> np.ndarray:
    """Return psi(x), the derivative of ln Gamma."""
    if (few := _of_few(_digamma, x)) is not None:
        return few
    from scipy.special import digamma

    return digamma(x)


def entr(x: ArrayLike) -> np.ndarray:
    """Return -x ln x, with 0 ln 0 = 0."""
    x = np.asarray(x, dtype=float)
    return -x * np.log(x, out=np.zeros_like(x), where=x != 0)


def gammainc(a: ArrayLike, x: ArrayLike) -> np.ndarray:
    """Return the gamma distribution's function at x, of rate 1."""
    from scipy.special import gammainc

    return gammainc(a, x)


def gammaln(x: ArrayLike) -> np.ndarray:
    """Return ln Gamma(x)."""
    if (few := _of_few(math.lgamma, x)) is not None:
        return few
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
    """Return ln Gamma_d(a), the multivariate gamma function: d(d-1)/4 ln pi + sum_j ln Gamma(a - j/2)."""
    shifted = np.asarray(a, dtype=float)[..., np.newaxis] - np.arange(d) / 2
    return d * (d - 1) / 4 * math.log(math.pi) + gammaln(shifted).sum(axis=-1)


def trigamma(x: ArrayLike) -> np.ndarray:
    """Return psi'(x), the second derivative of ln Gamma."""
    if (few := _of_few(_trigamma, x)) is not None:
        return few
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


def stdtr(degrees_of_freedom: ArrayLike, x: ArrayLike) -> np.ndarray:
    """Return Student's distribution function at x."""
    from scipy.special import stdtr

    return stdtr(degrees_of_freedom, x)


def _of_few(function: Callable[[float], float], x: ArrayLike) -> np.ndarray | None:
    """Return a function of few positive numbers, one by one, or None if there are others."""
    x = np.asarray(x, dtype=float)
    if x.size > _FEW:
        return None
    numbers = x.ravel().tolist()
    if not all(0 < number < math.inf for number in numbers):
        return None
    return np.array([function(number) for number in numbers]).reshape(x.shape)


def _digamma(x: float) -> float:
    """Return psi(x) = psi(x + 1) - 1/x, by Stirling's series from 10 on: DLMF 5.11.2."""
    before = 0.0
    while x < 10:
        before += 1 / x
        x += 1
    y = 1 / (x * x)
    series = 1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * (691 / 32_760 - y / 12))))
    return math.log(x) - 0.5 / x - y * (1 / 12 - y * series) - before


def _trigamma(x: float) -> float:
    """Return psi'(x) = psi'(x + 1) + 1/x^2, by the derivative of the same series."""
    before = 0.0
    while x < 10:
        before += 1 / (x * x)
        x += 1
    y = 1 / (x * x)
    series = 1 / 30 - y * (1 / 42 - y * (1 / 30 - y * (5 / 66 - y * (691 / 2730 - y * 7 / 6))))
    return (1 + 0.5 / x + y * (1 / 6 - y * series)) / x + before
