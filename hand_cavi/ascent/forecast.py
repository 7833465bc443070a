"""Which starts are worth going on with: a bound that rises ever more slowly will not rise much more.

Near an optimum the gains of successive sweeps fall geometrically: after a gain g that is rho times the one
before, what is still to come is about g rho / (1 - rho). A start whose bound, with twenty times that, stays
below a bound that another start already has, is given up. While gains grow, as beside a saddle that is being
left, nothing can be said, and the start goes on.

It is a forecast, not a proof: a start that is given up on its way into a saddle might have left it again for
the best optimum of all. So starts are given up only for large data, or if asked for.
"""

import math

from hand_cavi.result import StepInfo

SAFETY = 20.0
"""Times the forecast gain that a start is granted."""

_SWEEPS = 10  # before which nothing is forecast
_IN_A_ROW = 3  # forecasts that must agree


class Forecast:
    """What bound a start may still reach, judged after every sweep."""

    def __init__(self) -> None:
        self._bounds: list[float] = []
        self._behind = 0

    def stays_below(self, info: StepInfo, best: float) -> bool:
        """Take note of a sweep, and say whether the start will end below a bound that is known.

        Parameters
        ----------
        info : StepInfo
        best : float
            In nats.
        """
        self._bounds = [*self._bounds[-2:], info.elbo]
        if info.sweep < _SWEEPS or len(self._bounds) < 3:
            return False
        behind = info.elbo + SAFETY * expected_gain(*self._bounds) < best
        self._behind = self._behind + 1 if behind else 0
        return self._behind >= _IN_A_ROW


def expected_gain(first: float, second: float, third: float) -> float:
    """Return what three successive bounds let one expect to be gained yet, in nats; it may be infinite."""
    before, gain = second - first, third - second
    if gain <= 0.0:
        return 0.0
    return gain * gain / (before - gain) if before > gain else float("inf")


def sweeps_left(first: float, second: float, third: float, negligible: float, patience: int) -> float:
    """Return how many sweeps convergence is away, after three successive bounds; it may be infinite.

    Parameters
    ----------
    first, second, third : float
        In nats.
    negligible : float
        Sweeps that gain no more than this, in nats, have stalled.
    patience : int
        So many stalled sweeps are convergence.
    """
    before, gain = second - first, third - second
    if gain <= negligible:
        return patience
    if gain >= before or negligible <= 0.0:
        return float("inf")
    return math.ceil(math.log(negligible / gain) / math.log(gain / before)) + patience
