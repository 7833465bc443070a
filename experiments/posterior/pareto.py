"""Importance weights w = p(x, theta) / q(theta): averages of them, and how heavy their tail is.

A generalised Pareto distribution is fitted to the largest M = min(S/5, 3 sqrt S) weights, given by logs.
With shape k < 1/2 the variance is finite, k < 1 the mean: Vehtari, Simpson, Gelman, Yao & Gabry (2024),
Pareto smoothed importance sampling, through ArviZ. Logs of weights have shape (S,).
"""

from math import ceil, inf, log10, nan

import numpy as np

SOURCE = "Vehtari et al. (2024)"

_FEWEST = 25  # draws, whose tail has 5
_EQUAL = 1e-9  # nats: log weights that differ by no more are equal, their differences being rounding
_PRIOR_POINTS = 10  # what the fit's prior on k is worth


def most_k_hat(n_draws: int) -> float:
    """Return the k-hat up to which averages of S weights are reliable, min(1 - 1/log10 S, 0.7)."""
    return min(1 - 1 / log10(n_draws), 0.7)


def pareto_k_hat(log_weights: np.ndarray) -> tuple[float, float]:
    """Return k-hat of log weights and its standard error: the larger, the heavier the right tail.

    The error is that of maximum likelihood, (1 + k)/sqrt(M) for k > -1/2 (Smith 1987), shrunk as the fit's
    weak prior shrinks k-hat. Both are NaN where there is no tail: of fewer than 25 weights, or if those of
    the tail are equal (`is_flat`). k-hat is infinite if a weight is no number, or all are zero.
    """
    from arviz_stats.base import array_stats  # slow to import

    n_draws = len(log_weights)
    if n_draws < _FEWEST or is_flat(log_weights):
        return nan, nan
    if not np.isfinite(log_weights.max()):
        return inf, nan
    # ArviZ expects log likelihood ratios of leaving out, and negates what it is given.
    k_hat = float(array_stats.psislw(-(log_weights - log_weights.max()))[1])
    n_tail = _tail(n_draws)
    return k_hat, (1 + max(k_hat, -0.5)) / np.sqrt(n_tail) * n_tail / (n_tail + _PRIOR_POINTS)


def smoothed(log_weights: np.ndarray) -> np.ndarray:
    """Return the logs of Pareto-smoothed weights, shape (S,), whose sum is 1; of finite log weights."""
    from arviz_stats.base import array_stats  # slow to import

    shifted = log_weights - log_weights.max()
    if len(log_weights) < _FEWEST or is_flat(log_weights):
        return shifted - np.log(np.exp(shifted).sum())
    return np.asarray(array_stats.psislw(-shifted)[0])  # which negates what it is given


def is_flat(log_weights: np.ndarray) -> bool:
    """Whether the largest M weights are equal, and numbers: there is no tail, and nothing to mistrust."""
    largest = np.sort(log_weights)[-_tail(len(log_weights)) :]  # NaN comes last
    return bool(np.isfinite(largest).all() and np.ptp(largest) <= _EQUAL)


def log_mean(log_weights: np.ndarray) -> tuple[float, float]:
    """Return the log of the mean of independent weights, and its standard error.

    The error of the log is the relative error of the mean (delta method), sd(w) / (sqrt(S) mean(w)). It is
    infinite where a weight is no number, all are zero, or one draw is all there is.
    """
    peak = log_weights.max()
    if len(log_weights) < 2 or not np.isfinite(peak):
        return (-inf if peak == -inf else nan), inf
    weights = np.exp(log_weights - peak)
    mean = weights.mean()
    return float(np.log(mean) + peak), float(weights.std(ddof=1) / (np.sqrt(len(weights)) * mean))


def _tail(n_draws: int) -> int:
    return ceil(min(0.2 * n_draws, 3 * np.sqrt(n_draws)))
