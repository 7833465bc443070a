"""What log ratios of densities tell: the log of their mean, its standard error, and whether to trust it.

Source of k-hat and its threshold: Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance
sampling, through ArviZ.
"""

import numpy as np

MIN_DRAWS = 100
"""Fewer have no tail to look at."""


def log_mean(log_ratio: np.ndarray) -> tuple[float, float]:
    """Return the log of the mean of independent ratios, given by their logs (S,), and its standard error.

    The error of the log is the relative error of the mean (delta method), sd(w) / (sqrt(S) mean(w)). It is
    infinite where ratios are no numbers or one draw is all there is.
    """
    if len(log_ratio) < 2 or np.isnan(log_ratio).any() or not log_ratio.max() < np.inf:
        return np.nan, np.inf
    top = log_ratio.max()
    if top == -np.inf:
        return -np.inf, np.inf
    ratio = np.exp(log_ratio - top)
    mean = ratio.mean()
    return float(np.log(mean) + top), float(ratio.std(ddof=1) / (np.sqrt(len(ratio)) * mean))


def k_hat(log_ratio: np.ndarray) -> float:
    """Return the tail index of ratios, given by their logs (S,): the larger, the heavier the right tail.

    Infinite where ratios are no numbers; minus infinity where they are all equal.
    """
    from arviz_stats.base import array_stats  # slow to import

    if len(log_ratio) < MIN_DRAWS or np.isnan(log_ratio).any() or not log_ratio.max() < np.inf:
        return np.inf
    if np.ptp(log_ratio) < 1e-9:
        return -np.inf
    tail_index = float(array_stats.psislw(-log_ratio)[1])  # ArviZ negates what it is given
    return tail_index if np.isfinite(tail_index) else np.inf


def largest_k_hat(n_draws: int) -> float:
    """Return the k-hat up to which the mean of so many ratios can be trusted, min(1 - 1/log10 S, 0.7)."""
    return min(1 - 1 / np.log10(n_draws), 0.7)
