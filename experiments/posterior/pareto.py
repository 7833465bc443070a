"""Importance weights w = p(x, theta) / q(theta): averages of them, and how heavy their tail is.

The tail above the largest M weights is fitted by a generalised Pareto distribution, whose shape k says
how many moments there are: with k < 1/2 the variance is finite, with k < 1 the mean; M = min(S/5, 3 sqrt S).
Source: Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, through ArviZ.
"""

from math import ceil, log10

import numpy as np

SOURCE = "Vehtari et al. (2024)"

_FEWEST = 25  # draws, whose tail has 5
_EQUAL = 1e-9  # nats: log weights that differ by no more are equal, their differences being rounding
_PRIOR_POINTS = 10  # what the fit's prior on k is worth


def most_k_hat(n_draws: int) -> float:
    """Return the k-hat up to which averages of S weights are reliable, min(1 - 1/log10 S, 0.7)."""
    return min(1 - 1 / log10(n_draws), 0.7)


def pareto_k_hat(log_weights: np.ndarray) -> tuple[float, float]:
    """Return k-hat of log weights, shape (S,), and its standard error.

    The error is that of maximum likelihood, (1 + k)/sqrt(M) for k > -1/2 (Smith 1987), shrunk as the fit's
    weak prior shrinks k-hat. Both are NaN if the weights are equal, or too few for a tail.
    """
    from arviz_stats.base import array_stats  # slow to import

    n_draws = len(log_weights)
    if n_draws < _FEWEST or np.ptp(log_weights) <= _EQUAL:
        return float("nan"), float("nan")
    # ArviZ expects log likelihood ratios of leaving out, and negates what it is given.
    _, k_hat = array_stats.psislw(-(log_weights - log_weights.max()))
    n_tail = ceil(min(0.2 * n_draws, 3 * np.sqrt(n_draws)))
    error = (1 + max(float(k_hat), -0.5)) / np.sqrt(n_tail) * n_tail / (n_tail + _PRIOR_POINTS)
    return float(k_hat), float(error)


def log_mean(log_weights: np.ndarray) -> tuple[float, float]:
    """Return the log of the mean of w, shape (S,) in logs, and by the delta method its standard error."""
    peak = log_weights.max()
    weights = np.exp(log_weights - peak)
    mean = weights.mean()
    return float(peak + np.log(mean)), float(weights.std(ddof=1) / mean / np.sqrt(len(weights)))
