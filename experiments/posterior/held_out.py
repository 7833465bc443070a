"""Held-out predictive density: fit to some points, predict the others, by turns (K-fold cross-validation).

The folds depend on the number of points and of folds alone, so that every model is asked the same question
and differences between models can be taken point by point.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from hand_cavi import InputError, Mixture, fit

FOLDS = 5

STARTS_HELD_OUT = 5
"""Starts of each fit, at most, where nobody says otherwise: there are many fits."""


def log_predictive(
    mixture: Mixture,
    x: np.ndarray,
    *,
    folds: int = FOLDS,
    sample_weight: np.ndarray | None = None,
    condense: Callable[[Mixture, np.ndarray], tuple[np.ndarray, np.ndarray | None]] | None = None,
    **options: Any,
) -> np.ndarray:
    """Return the log density of every point, (N,), under a CAVI fit to the folds that it is not in, in nats.

    Of x, shape (N, D), and the fits' `options` see `hand_cavi.fit`; `condense` gives the points of a
    fit without weights as fewer points with weights.

    Raises InputError as `fold_of` does.
    """
    found, folds_of = np.empty(len(x)), fold_of(len(x), folds)
    for fold in range(folds):
        out = folds_of == fold
        points, weight = x[~out], None if sample_weight is None else sample_weight[~out]
        if condense is not None and weight is None:
            points, weight = condense(mixture, points)
        fitted = fit(mixture, points, sample_weight=weight, tolerance=1e-9, **options)
        found[out] = fitted.log_predictive(x[out])
    return found


def fold_of(n_points: int, folds: int) -> np.ndarray:
    """Return the fold of each point, shape (N,): as equal in size as can be, at random, always the same.

    Raises InputError if there are fewer points than folds, or fewer folds than two.
    """
    if not 2 <= folds <= n_points:
        needs = "cross-validation needs at least 2, at most one a point, and 0 leaves it out"
        raise InputError(f"{n_points} points cannot make {folds} folds; {needs}")
    return np.random.default_rng(n_points).permutation(np.arange(n_points) % folds)


def mean_and_error(values: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float]:
    """Return the (weighted) mean over points, and its standard error (NaN for one point).

    The error counts points as independent; that they share fits it leaves out (Bengio & Grandvalet 2004).
    """
    share = np.full(len(values), 1 / len(values)) if weight is None else weight / weight.sum()
    mean = float(share @ values)
    if np.count_nonzero(share) < 2:
        return mean, float("nan")
    return mean, float(np.sqrt(np.sum((share * (values - mean)) ** 2)))
