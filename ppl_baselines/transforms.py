"""One-to-one maps from real numbers without constraints to the canonical variables, by draw, in numpy.

theta = g(u),    log |det dg/du|

`ppl_baselines.unconstrained` says which of them goes with which variable of a model.
Densities of weights and probabilities are with respect to Lebesgue measure on all but the last, densities of
a precision matrix with respect to Lebesgue measure on its lower triangle; the determinants are of those.

What is positive never underflows to 0: it stops at the smallest normal float, so that logarithms are finite.
Outside of their support, inverse maps give NaN or infinity.

Letters: S draws, K components, D features, C categories.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Protocol

import numpy as np

_TINY = np.finfo(float).tiny


class Transform(Protocol):
    """A one-to-one map of a variable, by draw; the first axis is the draws'."""

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return theta = g(u)."""
        ...

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return u with g(u) = theta."""
        ...

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return log |det dg/du|, shape (S,)."""
        ...


@dataclass(frozen=True)
class Identity:
    """A variable that is free to be any real number."""

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return u itself."""
        return u

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return theta itself."""
        return theta

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return 0 for every draw."""
        return np.zeros(len(u))


@dataclass(frozen=True)
class Log:
    """A positive variable, theta = exp(u)."""

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return exp(u)."""
        return np.maximum(np.exp(u), _TINY)

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return ln theta."""
        return _log(theta)

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return the sum of u, as d exp(u)/du = exp(u)."""
        return _sum(u)


@dataclass(frozen=True)
class LogOdds:
    """A variable between 0 and 1, theta = 1 / (1 + exp(-u)); it never rounds to 0 or 1."""

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return 1 / (1 + exp(-u))."""
        return np.clip(np.exp(-np.logaddexp(0, -u)), _TINY, 1 - np.finfo(float).epsneg)

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return ln theta - ln(1 - theta)."""
        return _log(theta) - _log(1 - theta)

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return the sum of ln theta + ln(1 - theta)."""
        return _sum(-np.logaddexp(0, u) - np.logaddexp(0, -u))


@dataclass(frozen=True)
class Interval:
    """A variable between two bounds, or on one side of one, scaled log odds or a logarithm; never a bound.

    Attributes
    ----------
    lower, upper : float or ndarray
        Of the variable's shape, or of one that goes with it; one of them finite at least.
    """

    lower: float | np.ndarray = -np.inf
    upper: float | np.ndarray = np.inf

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return lower + (upper - lower) / (1 + exp(-u)), lower + exp(u), or upper - exp(u)."""
        if not np.all(np.isfinite(self.upper)):
            theta = self.lower + Log().constrain(u)
        elif not np.all(np.isfinite(self.lower)):
            theta = self.upper - Log().constrain(u)
        else:
            theta = self.lower + np.subtract(self.upper, self.lower) * LogOdds().constrain(u)
        return np.clip(theta, np.nextafter(self.lower, np.inf), np.nextafter(self.upper, -np.inf))

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return the log odds of where theta lies, or the logarithm of how far from the bound."""
        if not np.all(np.isfinite(self.upper)):
            return _log(theta - self.lower)
        if not np.all(np.isfinite(self.lower)):
            return _log(self.upper - theta)
        return _log(theta - self.lower) - _log(self.upper - theta)

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return the sum of ln(upper - lower) + ln of both shares, or the sum of u."""
        width = np.subtract(self.upper, self.lower)
        if not np.all(np.isfinite(width)):
            return _sum(u)
        return _sum(np.log(width) - np.logaddexp(0, u) - np.logaddexp(0, -u))


@dataclass(frozen=True)
class Simplex:
    """Probabilities along the last axis, p = softmax(u_1, ..., u_{C-1}, -sum u).

    So u_c is ln p_c less the mean of all C logarithms.
    """

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return p, (..., C), from u, (..., C - 1)."""
        return np.maximum(np.exp(self._log_p(u)), _TINY)

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return u, (..., C - 1), from p, (..., C)."""
        log_p = _log(theta)
        return log_p[..., :-1] - log_p.mean(axis=-1, keepdims=True)

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return ln C + sum_c ln p_c, summed over everything but the draws.

        Softmax alone has dp/dv = diag(p) - p p', whose leading minor is prod_c p_c; taking away the mean
        adds the factor C.
        """
        log_p = self._log_p(u)
        return _sum(np.log(log_p.shape[-1]) + log_p.sum(axis=-1))

    @staticmethod
    def _log_p(u: np.ndarray) -> np.ndarray:
        v = np.concatenate([u, -u.sum(axis=-1, keepdims=True)], axis=-1)
        v = v - v.max(axis=-1, keepdims=True)
        return v - np.log(np.exp(v).sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Sticks:
    """Shares pi_t = v_t prod_{j<t} (1 - v_j), v_T = 1, by the log odds u_t = ln v_t - ln(1 - v_t), t < T.

    The sticks lie along the last axis.
    """

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return the shares, shape (..., T), from u, shape (..., T - 1)."""
        log_broken, log_left = self._along(u)
        log_last = log_left[..., -1:]
        log_weights = np.concatenate([log_broken + log_left[..., :-1], log_last], axis=-1)
        return np.maximum(np.exp(log_weights), _TINY)

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return u_t = ln pi_t - ln sum_{j>t} pi_j, shape (..., T - 1)."""
        later = np.cumsum(theta[..., :0:-1], axis=-1)[..., ::-1]
        return _log(theta[..., :-1]) - _log(later)

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return sum_t ln r_t + ln v_t + ln(1 - v_t), where r_t = prod_{j<t} (1 - v_j) is left for stick t.

        Given the earlier sticks, d pi_t/d v_t = r_t and d v_t/d u_t = v_t (1 - v_t): a triangular matrix.
        """
        log_broken, log_left = self._along(u)
        return _sum(log_broken + log_left[..., 1:])

    @staticmethod
    def _along(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ln v_t, shape (..., T - 1), and ln r_t, shape (..., T)."""
        log_kept = -np.logaddexp(0, u)
        log_left = np.concatenate([np.zeros((*u.shape[:-1], 1)), np.cumsum(log_kept, axis=-1)], axis=-1)
        return -np.logaddexp(0, -u), log_left


@dataclass(frozen=True)
class LogCholesky:
    """Precision matrices L L' by the entries of L, row by row, those of the diagonal as logarithms."""

    def constrain(self, u: np.ndarray) -> np.ndarray:
        """Return the matrices, shape (S, K, D, D), from u, shape (S, K, D(D+1)/2)."""
        n_features, rows, columns = _triangle(u)
        root = np.zeros((*u.shape[:-1], n_features, n_features))
        root[..., rows, columns] = np.where(rows == columns, np.exp(np.where(rows == columns, u, 0)), u)
        return root @ np.swapaxes(root, -1, -2)

    def unconstrain(self, theta: np.ndarray) -> np.ndarray:
        """Return u, shape (S, K, D(D+1)/2); NaN throughout if any matrix is not positive definite."""
        rows, columns = np.tril_indices(theta.shape[-1])
        try:
            entries = np.linalg.cholesky(theta)[..., rows, columns]
        except np.linalg.LinAlgError:
            return np.full((*theta.shape[:-2], rows.size), np.nan)
        return np.where(rows == columns, _log(np.where(rows == columns, entries, 1)), entries)

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return sum_k [D ln 2 + sum_d (D - d + 2) u_dd], d = 1, ..., D.

        The lower triangle of L L' has the determinant 2^D prod_d L_dd^(D-d+1) in that of L, and
        d L_dd/d u_dd = L_dd.
        """
        n_features, rows, columns = _triangle(u)
        powers = n_features + 1 - np.arange(n_features)  # rows are counted from 0
        return _sum(n_features * np.log(2) + u[..., rows == columns] @ powers)


def _triangle(u: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Return D, and the rows and columns of a lower triangle of D(D+1)/2 entries."""
    n_features = (isqrt(8 * u.shape[-1] + 1) - 1) // 2
    return n_features, *np.tril_indices(n_features)


def _log(values: np.ndarray) -> np.ndarray:
    """Return the logarithm; NaN or -inf, without a warning, where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(values)


def _sum(values: np.ndarray) -> np.ndarray:
    """Sum over everything but the draws."""
    return values.reshape(len(values), -1).sum(axis=1)
