"""What accuracy costs: seconds to within 0.01 nats of the method's best bound, or per effective draw."""

import numpy as np

from experiments.metrics import ess_per_second
from experiments.metrics._context import Context, missing
from experiments.records import Measurement

NATS = 0.01
"""How near is near enough; a convention of this project."""

_UNIT = "seconds"


def compute(context: Context) -> Measurement:
    """Return seconds of running, compiling apart.

    Where bounds are estimates, the interval is from when two standard errors more would be near enough to
    when two less still are (or the end of the run, if they never are).
    """
    if context.bound is None:
        return _per_effective_draw(context)
    if not len(context.trace):
        return missing("the bound was not followed over time", _UNIT)
    seconds, bound, error = context.trace.T
    end = float(seconds[-1])
    goal = context.bound - NATS
    reached = _first(seconds, bound >= goal, end)
    note = f"to within {NATS:g} nats of the bound {context.bound:.2f}, its best"
    if not error.any():
        return Measurement(reached, None, _UNIT, note)
    interval = (
        _first(seconds, bound + 2 * error >= goal, end),
        _first(seconds, bound - 2 * error >= goal, end),
    )
    note += f"; on the way the bound is known to {np.nanmin(error):.2g} nats only"
    return Measurement(reached, None, _UNIT, note, interval)


def _first(seconds: np.ndarray, reached: np.ndarray, end: float) -> float:
    return float(seconds[np.argmax(reached)]) if reached.any() else end


def _per_effective_draw(context: Context) -> Measurement:
    rate = ess_per_second.compute(context)
    if not isinstance(rate.value, float) or rate.value <= 0:
        return missing(rate.note or "there are no effective draws", _UNIT)
    return Measurement(1 / rate.value, None, _UNIT, f"for one effective draw; {rate.note}")
