"""The joint density of data and means that quadrature integrates, and bounds on it over boxes of means.

One feature, equal weights, and units in which the noise variance is 1; see docs/mathematics.md, section 6.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

_BLOCK = 1 << 19  # numbers held at once by the likelihood: 4 MB
_LOG_ZERO = -700.0  # exp of less is not a normal float64
_VANISHED = 1e-290  # a sum of exponentials this small is only what _LOG_ZERO left of it


@dataclass(frozen=True)
class DensityOfMeans:
    """The joint density of rows x (N,) with weights (N,), and means with prior N(m0, v)."""

    x: np.ndarray
    weight: np.ndarray
    prior_mean: float
    prior_variance: float
    n_components: int

    @property
    def narrowest(self) -> float:
        """Tau, the least sd that the posterior of a mean can have."""
        return float(1 / np.sqrt(self.weight.sum() + 1 / self.prior_variance))

    def log_density(self, mu: np.ndarray) -> np.ndarray:
        """Return log p(x, mu) for mu of shape (M, K), shape (M,)."""
        return self.upper_bound(mu, mu)

    def upper_bound(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return a bound on log p(x, mu) over boxes low <= mu <= high, (M, K) to (M,), sharp if equal."""
        bound = np.empty(len(low))
        size = max(1, _BLOCK // len(self.x))
        for start in range(0, len(low), size):
            block = slice(start, start + size)
            intervals = np.column_stack([low[block].ravel(), high[block].ravel()])
            each, row = np.unique(intervals.view(np.complex128).ravel(), return_inverse=True)
            bound[block] = self.bound_over(each.real, each.imag, row.reshape(-1, self.n_components))
        return bound

    def bound_over(self, low: np.ndarray, high: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Return the same bound over boxes that are made of the same few intervals, shape (M,).

        The intervals are `low`, `high`, shape (B,); `row`, shape (M, K), says which each box is made of.
        """
        from_mean = np.clip(self.prior_mean, low, high) - self.prior_mean
        log_prior = -(from_mean**2) / (2 * self.prior_variance) - np.log(2 * np.pi * self.prior_variance) / 2
        bound = log_prior[row].sum(axis=1)
        nearest = np.clip(self.x, low[:, np.newaxis], high[:, np.newaxis])
        log_normal = -((self.x - nearest) ** 2) / 2
        peak = log_normal.max(axis=0)
        normal = np.exp(np.maximum(log_normal - peak, _LOG_ZERO))
        size = max(1, _BLOCK // len(self.x))
        for start in range(0, len(row), size):
            block = slice(start, start + size)
            bound[block] += self._log_likelihood(log_normal, normal, peak, row[block])
        return bound - self.weight.sum() * (np.log(self.n_components) + np.log(2 * np.pi) / 2)

    def uphill_of(self, mu: np.ndarray, n_steps: int = 25) -> np.ndarray:
        """Return means uphill of the given ones, (M, K), by EM (Dempster, Laird & Rubin 1977)."""
        for _ in range(n_steps):
            rho = -((self.x[:, np.newaxis] - mu[:, np.newaxis, :]) ** 2) / 2
            r = np.exp(rho - logsumexp(rho, axis=2, keepdims=True)) * self.weight[:, np.newaxis]
            mu = np.einsum("mnk,n->mk", r, self.x) + self.prior_mean / self.prior_variance
            mu /= r.sum(axis=1) + 1 / self.prior_variance
        return mu

    def _log_likelihood(
        self, log_normal: np.ndarray, normal: np.ndarray, peak: np.ndarray, row: np.ndarray
    ) -> np.ndarray:
        """Return sum_i w_i ln sum_k exp(-d_ik^2 / 2), d_ik the distance of x_i from interval row[m, k].

        ``log_normal``, shape (B, N), is -d^2 / 2 of every interval, ``peak``, shape (N,), its largest, and
        ``normal`` the exponential of their difference.
        """
        total = normal[row[:, 0]]
        for k in range(1, self.n_components):
            total += normal[row[:, k]]
        if total.min() > _VANISHED:
            return _sum_of_logs(total, self.weight) + peak @ self.weight
        # Where every component is far from a point the exponentials vanish: take the sum in log space.
        log_total = np.log(total) + peak
        far = np.argwhere(total <= _VANISHED)
        log_total[far[:, 0], far[:, 1]] = logsumexp(log_normal[row[far[:, 0]], far[:, 1:]], axis=1)
        return np.einsum("mn,n->m", log_total, self.weight)


def _sum_of_logs(factor: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return sum_i w_i ln factor_mi, shape (M,); of equal weights, as logs of products of many factors."""
    if np.ptp(weight) > 0:
        return np.einsum("mn,n->m", np.log(factor), weight)
    while factor.shape[1] > 1 and factor.min() > 1e-140 and factor.max() < 1e140:
        half, odd = divmod(factor.shape[1], 2)
        folded = factor[:, :half] * factor[:, half : 2 * half]
        if odd:
            folded = np.column_stack([folded, factor[:, -1]])
        factor = folded
    return weight[0] * np.log(factor).sum(axis=1)
