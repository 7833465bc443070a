"""How far a fit has come, told while it runs.

Whoever wants to know hands `hand_cavi.fit` a function. It is called between two sweeps, in the caller's own
thread, and changes nothing: unlike a callback it cannot stop a fit, and starts that share each pass over the
data go on sharing it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hand_cavi.ascent.ascend import StoppingRule
from hand_cavi.ascent.forecast import sweeps_left
from hand_cavi.result import StepInfo


@dataclass(frozen=True)
class Progress:
    """Where the starts under way stand.

    Attributes
    ----------
    under_way : tuple of int
        Which starts are rising, counted from 1: one, or several where they share each pass over the data.
    n_starts : int
        0 while a split-and-merge move is tried.
    sweep : int
        The last one done, counted from 1.
    elbo : float
        The highest bound of those under way, in nats.
    gain : float or None
        The largest gain of a last sweep, in nats; None after the first.
    sweeps_left : float or None
        Until the last of those under way converges, if gains go on falling as they do, `max_sweeps` at most;
        None while they do not fall.
    """

    under_way: tuple[int, ...]
    n_starts: int
    sweep: int
    elbo: float
    gain: float | None
    sweeps_left: float | None


Tell = Callable[[Progress], None]


class Tracker:
    """Takes note of every start's sweeps, and tells of them.

    Parameters
    ----------
    tell : callable or None
        Nothing is told if None.
    rule : StoppingRule
    n_starts : int
    """

    def __init__(self, tell: Tell | None, rule: StoppingRule, n_starts: int) -> None:
        self._tell, self._rule, self._n_starts = tell, rule, n_starts
        self._under_way: dict[int, tuple[int, list[float]]] = {}  # the last sweep, and up to three bounds

    def saw(self, i: int, info: StepInfo) -> None:
        """Take note of a sweep of the i-th start, counted from 0."""
        if self._tell is not None:
            _, bounds = self._under_way.get(i, (0, []))
            self._under_way[i] = info.sweep, [*bounds[-2:], info.elbo]

    def ended(self, i: int) -> None:
        """Take note that the i-th start has ended."""
        self._under_way.pop(i, None)

    def tell(self) -> None:
        """Tell where those under way stand, once one of them has swept."""
        if self._tell is None or not self._under_way:
            return
        sweeps, bounds = zip(*self._under_way.values(), strict=True)
        left = [self._left(*each) for each in self._under_way.values()]
        gains = [each[-1] - each[-2] for each in bounds if len(each) > 1]
        self._tell(
            Progress(
                tuple(i + 1 for i in sorted(self._under_way)),
                self._n_starts,
                max(sweeps),
                max(each[-1] for each in bounds),
                max(gains, default=None),
                max(left) if np.isfinite(left).all() else None,
            )
        )

    def _left(self, sweep: int, bounds: list[float]) -> float:
        if len(bounds) < 3:
            return float("inf")
        first, second, third = bounds
        expected = sweeps_left(first, second, third, self._rule.negligible(third), self._rule.patience)
        return min(expected, self._rule.max_sweeps - sweep) if np.isfinite(expected) else expected
