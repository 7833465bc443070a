"""How far may the empirical distribution of n uniform ranks stray? Simultaneous bands, exactly.

The band of Saeilynoja, Buerkner & Vehtari (2022): on a grid z_1 < ... < z_G, binomial intervals of the counts
N(z) of ranks up to z, all with one tail probability gamma/2, gamma being the largest for which all of them
hold at once with the level's probability. They adjust gamma by simulation, or by a recursion; here the
probability is exact (docs/mathematics.md, section 10). The same gives exact p values: the chance that n
uniform ranks stray, somewhere on the grid, into as small a tail as these did.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

GRID = 100
"""Intervals of the grid, at most; with fewer ranks than that, one for each."""

_HALVINGS = 50  # of the interval in which gamma lies
_STRICTLY = 1 + 1e-9
_SMALLEST = 1e-16  # tail that float64 can tell from none in a probability near 1


@dataclass(frozen=True)
class Band:
    """The fewest and the most of n uniform ranks up to each z of the grid, all arrays of shape (G,).

    The level is the exact probability of staying inside, at least what was asked for.
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


@lru_cache(maxsize=64)
def band(n: int, level: float) -> Band:
    """Return the simultaneous band inside which n >= 1 uniform ranks stay with this probability at least."""
    return band_on(n, grid_of(n), level)


def band_on(n: int, grid: np.ndarray, level: float) -> Band:
    """Return the same on any grid, ascending between 0 and 1, shape (G,)."""
    ranks, low, high = _Counts(n, grid), np.log(_SMALLEST), 0.0  # of log gamma
    inside = (np.zeros(len(grid), dtype=int), np.full(len(grid), n), 1.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        lower, upper = ranks.bounds(np.exp(middle))
        chance = stays_inside(n, grid, lower, upper)
        if chance >= level:
            low, inside = middle, (lower, upper, chance)
        else:
            high = middle
    return Band(n, grid, *inside)


def p_value(ranks: np.ndarray) -> float:
    """Return the chance that uniform ranks stray as far from uniform as these, anywhere on the grid."""
    grid = grid_of(len(ranks))
    return p_of_counts(np.searchsorted(np.sort(ranks), grid, side="right"), len(ranks), grid)


def tail_of(counts: np.ndarray, n: int, grid: np.ndarray) -> float:
    """Return the smallest tail probability of the counts of n uniform ranks up to each z of a grid."""
    return float(_Counts(n, grid).tails(counts).min())


def p_of_counts(counts: np.ndarray, n: int, grid: np.ndarray) -> float:
    """Return the chance that n uniform ranks stray, somewhere on any grid, into as small a tail as these."""
    ranks = _Counts(n, grid)
    gamma = max(2 * float(ranks.tails(counts).min()) * _STRICTLY, _SMALLEST)
    if gamma >= 1:
        return 1.0
    lower, upper = ranks.bounds(gamma)
    return float(np.clip(1 - stays_inside(n, grid, lower, upper), 0.0, 1.0))


def stays_inside(n: int, grid: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Return P(lower_i <= N(z_i) <= upper_i for all i) for n uniform ranks; exact."""
    if (lower > upper).any():
        return 0.0
    chances, first, z = np.ones(1), 0, 0.0  # P(N(z) = first, first + 1, ... and inside so far)
    for z_next, low, high in zip(grid, lower, upper, strict=True):
        steps = _poisson(np.arange(high - first + 1), n, n * (z_next - z))
        chances = np.convolve(chances, steps)[low - first : high - first + 1]
        first, z = int(low), float(z_next)
    rest = n - (first + np.arange(len(chances)))
    return float(chances @ _poisson(rest, n, n * (1 - z)) / _poisson(np.array(n), n, n))


class _Counts:
    """The counts of n uniform ranks up to each z of a grid: binomial, one by one."""

    def __init__(self, n: int, grid: np.ndarray) -> None:
        self._up_to = [np.cumsum(_binomial(n, z)) for z in grid]
        self._from = [np.cumsum(_binomial(n, 1 - z)) for z in grid]  # n - N is binomial too

    def tails(self, counts: np.ndarray) -> np.ndarray:
        """Return the smaller of P(N(z) <= count) and P(N(z) >= count), shape (G,)."""
        both = zip(self._up_to, self._from, counts, strict=True)
        return np.array([min(below[count], above[len(above) - 1 - count]) for below, above, count in both])

    def bounds(self, gamma: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts outside of which, at each point, lies gamma/2 at most on either side."""
        fewest = np.array([np.searchsorted(chances, gamma / 2) for chances in self._up_to])
        most = np.array([len(chances) - 1 - np.searchsorted(chances, gamma / 2) for chances in self._from])
        return fewest, most


def _binomial(n: int, p: float) -> np.ndarray:
    """Return the chances of 0, ..., n by Binomial(n, p), to 1e-12 of themselves."""
    counts, log_factorial = np.arange(n + 1), _log_factorials(n)
    logs = log_factorial[n] - log_factorial - log_factorial[::-1]
    return np.exp(logs + _times_log(counts, p) + _times_log(n - counts, 1 - p))


def _poisson(counts: np.ndarray, n: int, rate: float) -> np.ndarray:
    """Return Poisson probabilities of counts up to n."""
    return np.exp(_times_log(counts, rate) - rate - _log_factorials(n)[counts])


def _times_log(counts: np.ndarray, x: float) -> np.ndarray:
    """Return counts ln x, with 0 ln 0 = 0."""
    return counts * np.log(x) if x > 0 else np.where(counts == 0, 0.0, -np.inf)


@lru_cache(maxsize=8)
def _log_factorials(n: int) -> np.ndarray:
    """Return ln 0!, ..., ln n!. scipy's functions would take longer to import than all of this to run."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
