"""Which way and how far ranks are from uniform: shift, width, symmetry, coverage.

Uniform ranks u have mean 1/2, variance 1/12, and (u - 1/2)^2 has mean 1/12 and variance 1/180. Shift and
width are solved from the two means (docs/mathematics.md, section 10); a shift above 0: the method sits low.

Symmetry is that of Yao et al. (2018), VSBC. If it holds, the signs of u - 1/2, taken from the outermost u
inwards, are a fair coin's, and the largest excess of one side over the other is the largest distance of a
simple random walk from 0 (Butler 1969). That makes the p value exact, where the two-sample test of u against
1 - u takes for independent what is not.
"""

import numpy as np
from scipy.special import ndtr, ndtri, owens_t

from experiments.records.calibration import Coverage, Effect
from hand_cavi import wilson_interval

LEVELS = (0.5, 0.8, 0.95)
"""Of the central intervals whose coverage is counted."""

_NARROWEST, _WIDEST = 1e-2, 1e2  # widths told apart
_EDGE = 1e-9


def shift_and_width(ranks: np.ndarray, error_rate: float) -> tuple[Effect, Effect]:
    """Return both effects of two ranks or more.

    The error rate is the chance that an interval's end, each on its own, is on the wrong side.
    """
    n = len(ranks)
    square = (ranks - 0.5) ** 2
    mean, spread = float(ranks.mean()), float(square.mean())
    z = float(ndtri(1 - error_rate)) / np.sqrt(n)
    width = _width(mean, spread)
    widths = [_width(mean, spread + sign * z * float(square.std(ddof=1))) for sign in (-1, 1)]
    shifts = [_shift(mean + sign * z * float(ranks.std(ddof=1)), width) for sign in (-1, 1)]
    return (
        Effect(_shift(mean, width), shifts[0], shifts[1], _two_sided((mean - 0.5) * np.sqrt(12 * n))),
        Effect(width, widths[0], widths[1], _two_sided((spread - 1 / 12) * np.sqrt(180 * n))),
    )


def coverage(ranks: np.ndarray) -> tuple[Coverage, ...]:
    """Return how often the method's central intervals hold the truth."""
    n = len(ranks)
    held = [(level, int((np.abs(ranks - 0.5) <= level / 2).sum())) for level in LEVELS]
    return tuple(Coverage(level, count / n, *wilson_interval(count, n)) for level, count in held)


def symmetry_p_value(ranks: np.ndarray) -> float:
    """Return the exact p value of Butler's test of symmetry about 1/2."""
    from_outside = np.argsort(-np.abs(ranks - 0.5), kind="stable")
    walk = np.cumsum(np.sign(ranks[from_outside] - 0.5))
    furthest = int(np.abs(walk).max())
    return float(np.clip(1 - walk_stays_within(len(ranks), furthest - 1), 0.0, 1.0))


def walk_stays_within(n_steps: int, distance: int) -> float:
    """Return the chance that a simple random walk of n steps never goes further from 0 than `distance`."""
    if distance < 0:
        return 0.0
    if distance >= n_steps:
        return 1.0
    chances = np.zeros(2 * distance + 3)  # with a state on either side, from which nobody returns
    chances[distance + 1] = 1.0
    for _ in range(n_steps):
        chances[1:-1] = (chances[:-2] + chances[2:]) / 2
        chances[0] = chances[-1] = 0.0
    return float(chances.sum())


def _shift(mean: float, width: float) -> float:
    return float(ndtri(np.clip(mean, _EDGE, 1 - _EDGE)) * np.sqrt(1 + width**2))


def _width(mean: float, spread: float) -> float:
    """Return the width at which E[(u - 1/2)^2] is `spread`, given E[u]."""
    a = float(ndtri(np.clip(mean, _EDGE, 1 - _EDGE)))

    def excess(log_width: float) -> float:
        return 0.25 - 2 * float(owens_t(a, 1 / np.sqrt(1 + 2 * np.exp(2 * log_width)))) - spread

    low, high = np.log(_NARROWEST), np.log(_WIDEST)
    if excess(low) >= 0:
        return _NARROWEST

    from scipy.optimize import brentq  # a complete calibration has nothing to solve

    return _WIDEST if excess(high) <= 0 else float(np.exp(brentq(excess, low, high, xtol=1e-10)))


def _two_sided(z: float) -> float:
    return float(2 * ndtr(-abs(z)))
