"""In which direction an update is wrong, in words."""

import numpy as np

from experiments.checks.test_points import TestPoints
from hand_cavi.numerics.space import Arrays, Space


def direction(space: Space, points: TestPoints, mean: np.ndarray) -> str:
    """Say in which direction ln q* - ln q, up to a constant its `mean` at the points, departs most."""
    if not points.discrete:
        return _coordinate(space, points.values, mean, points.own)
    worst = int(np.argmax(np.abs(mean)))
    if not points.labels[worst]:
        return ""
    side = "low" if mean[worst] > 0 else "high"
    return f"; the log odds of {points.labels[worst]} are too {side} by {abs(mean[worst]):.2g}"


def _coordinate(space: Space, at: Arrays, mean: np.ndarray, own: np.ndarray) -> str:
    """Say which coordinate of q is shifted, too narrow or too wide.

    In standardised coordinates w, ln q is about -w^2/2; regressing ln q* - ln q on w and w^2/2 gives slopes
    b and g, so that q* has precision 1 - g and mean b / (1 - g).
    """
    u = space.unconstrain(at)
    spread = u[own].std(axis=0)
    if not (np.isfinite(u).all() and (spread > 0).all()):
        return ""
    w = (u - u[own].mean(axis=0)) / spread
    n, free = w.shape
    if n > 2 * free + 2:
        design = np.column_stack([np.ones(n), w, w**2 / 2])
        slopes = np.linalg.lstsq(design, mean, rcond=None)[0][1:]
        shift, widen = slopes[:free], slopes[free:]
    else:
        designs = [np.column_stack([np.ones(n), w[:, i], w[:, i] ** 2 / 2]) for i in range(free)]
        fits = np.array([np.linalg.lstsq(design, mean, rcond=None)[0] for design in designs])
        shift, widen = fits[:, 1], fits[:, 2]
    by_shift, by_width = np.abs(shift), np.abs(widen) / np.sqrt(2)
    if by_shift.max() >= by_width.max():
        i = int(np.argmax(by_shift))
        away = abs(shift[i]) / max(0.2, 1 - widen[i])
        side = "low" if shift[i] > 0 else "high"
        return f"; {space.coordinate(i)} is too {side}, by about {away:.2g} of its sd"
    i = int(np.argmax(by_width))
    ratio = 1 / np.sqrt(max(0.01, 1 - widen[i]))
    how = "narrow" if widen[i] > 0 else "wide"
    return f"; q is too {how} in {space.coordinate(i)}: its sd should be about {ratio:.2g} times as large"
