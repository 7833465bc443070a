r"""How far may the empirical distribution of n uniform ranks stray? Simultaneous bands, exactly.

On a grid z_1 < ... < z_G let N(z) count the ranks up to z. The band is made of binomial intervals, all
with one tail probability gamma/2,

    lower_i = smallest c with P(N(z_i) <= c) >= gamma/2,    upper_i likewise from above,

and gamma is the largest for which P(lower_i <= N(z_i) <= upper_i for all i) reaches the level: the band of
Saeilynoja, Buerkner & Vehtari (2022). They adjust gamma by simulation, or by a recursion; here the
probability is exact. N is a Poisson process of rate n, given N(1) = n, whose increments are independent, so
that

    P(N stays inside | N(1) = n) = P(it stays inside and N(1) = n) / P(N(1) = n),

and the numerator is a chain of convolutions, each cut to the band. The same gives exact p values: the chance
that n uniform ranks stray, somewhere on the grid, into as small a tail as these did.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import binom

GRID = 100
"""Intervals of the grid, at most; with fewer ranks than that, one for each."""

_HALVINGS = 50  # of the interval in which gamma lies
_STRICTLY = 1 + 1e-9


@dataclass(frozen=True)
class Band:
    """Bounds that the counts of n uniform ranks respect all at once, with a known probability.

    Attributes
    ----------
    n : int
        Ranks.
    grid : ndarray, shape (G,)
        z, between 0 and 1, both excluded.
    lower, upper : ndarray of int, shape (G,)
        The fewest and the most ranks up to z.
    level : float
        The exact probability of staying inside, at least what was asked for.
    """

    n: int
    grid: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float


def grid_of(n: int) -> np.ndarray:
    """Return the points at which the counts of n ranks are looked at."""
    intervals = max(2, min(GRID, n))
    return np.arange(1, intervals) / intervals


def counts_at(ranks: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return how many ranks lie at or below each point of the grid, shape (G,)."""
    return np.searchsorted(np.sort(ranks), grid, side="right")


@lru_cache(maxsize=64)
def band(n: int, level: float) -> Band:
    """Return the simultaneous band of n uniform ranks.

    Parameters
    ----------
    n : int
        At least 1.
    level : float
        The probability, at least, that the empirical distribution stays inside.
    """
    grid = grid_of(n)
    low, high = np.log(1e-16), 0.0  # of log gamma
    inside = (np.zeros(len(grid), dtype=int), np.full(len(grid), n), 1.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        lower, upper = _bounds(n, grid, np.exp(middle))
        chance = stays_inside(n, grid, lower, upper)
        if chance >= level:
            low, inside = middle, (lower, upper, chance)
        else:
            high = middle
    return Band(n, grid, *inside)


def p_value(ranks: np.ndarray) -> float:
    """Return the chance that uniform ranks stray as far from uniform as these, anywhere on the grid."""
    n = len(ranks)
    grid = grid_of(n)
    counts = counts_at(ranks, grid)
    tails = np.minimum(binom.cdf(counts, n, grid), binom.sf(counts - 1, n, grid))
    gamma = 2 * float(tails.min()) * _STRICTLY
    if gamma >= 1:
        return 1.0
    lower, upper = _bounds(n, grid, gamma)
    return float(np.clip(1 - stays_inside(n, grid, lower, upper), 0.0, 1.0))


def stays_inside(n: int, grid: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Return P(lower_i <= N(z_i) <= upper_i for all i) for n uniform ranks; exact."""
    if (lower > upper).any():
        return 0.0
    chances, first, z = np.ones(1), 0, 0.0  # P(N(z) = first, first + 1, ... and inside so far)
    for z_next, low, high in zip(grid, lower, upper, strict=True):
        steps = _poisson(np.arange(high - first + 1), n * (z_next - z))
        chances = np.convolve(chances, steps)[low - first : high - first + 1]
        first, z = int(low), float(z_next)
    rest = n - (first + np.arange(len(chances)))
    return float(chances @ _poisson(rest, n * (1 - z)) / _poisson(n, n))


def _bounds(n: int, grid: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts outside of which, at each point, lies gamma/2 at most on either side."""
    return binom.ppf(gamma / 2, n, grid).astype(int), binom.isf(gamma / 2, n, grid).astype(int)


def _poisson(counts: np.ndarray | int, rate: float) -> np.ndarray:
    """Return Poisson probabilities; scipy's own function checks its input for longer than this takes."""
    return np.exp(xlogy(counts, rate) - rate - gammaln(np.asarray(counts) + 1.0))
