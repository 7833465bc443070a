"""What a result took: seconds, effective draws a second, and seconds to a stated accuracy."""

import numpy as np

from experiments.metrics._context import Context, missing
from experiments.metrics._metric import metric
from experiments.records import Measurement

NATS = 0.01
"""How near is near enough; a convention of this project."""

_SECONDS = "seconds"
_RATE = "per second"


@metric(theme="Cost", label="wall time")
def wall_time(context: Context) -> Measurement:
    """Wall time in seconds: preparing (building, compiling), and running.

    Two times; of a user's own model their sum. One run has no standard error.
    """
    compiling, running = context.result.seconds_compile, context.result.seconds_run
    if context.problem is None:
        return Measurement((compiling or 0.0) + (running or 0.0), None, _SECONDS)
    if compiling is None or running is None:
        return missing("the run was not timed", _SECONDS)
    return Measurement([compiling, running], None, _SECONDS, "compiling, running")


@metric(theme="Cost", label="effective draws per second")
def ess_per_second(context: Context) -> Measurement:
    """Effective draws per second of running, of the label-invariant quantity that mixes worst (samplers only).

    The smallest bulk effective sample size over the seconds of running, compiling apart.
    """  # noqa: E501
    if context.independent:
        return missing("draws of an approximation are independent: there is nothing to mix", _RATE)
    seconds = context.result.seconds_run
    if not seconds:
        return missing("the seconds of running are not known", _RATE)
    if not context.finite:
        return missing("some draws are not finite", _RATE)
    quantity, ess = context.slowest
    if not np.isfinite(ess):
        return missing("a quantity never moved, or there are too few draws", _RATE)
    return Measurement(ess / seconds, None, _RATE, f"effective sample size {ess:.0f}, of {quantity}")


@metric(theme="Cost", label="cost to accuracy")
def cost_to_accuracy(context: Context) -> Measurement:
    """What accuracy costs: seconds to within 0.01 nats of the method's best bound, or per effective draw.

    Seconds of running, compiling apart. Where bounds are estimates, the interval is from when two standard
    errors more would be near enough to when two less still are (or the end of the run, if they never are).
    """
    best, trace = context.result.bound, context.result.trace
    if best is None:
        return _per_effective_draw(context)
    if not len(trace):
        return missing("the bound was not followed over time", _SECONDS)
    seconds, bound, error = trace.T
    end, goal = float(seconds[-1]), best - NATS
    reached = _first(seconds, bound >= goal, end)
    note = f"to within {NATS:g} nats of the bound {best:.2f}, its best"
    if not error.any():
        return Measurement(reached, None, _SECONDS, note)
    shifted = (bound + 2 * error, bound - 2 * error)
    interval = tuple(_first(seconds, one >= goal, end) for one in shifted)
    note += f"; on the way the bound is known to {np.nanmin(error):.2g} nats only"
    return Measurement(reached, None, _SECONDS, note, interval)


def _first(seconds: np.ndarray, reached: np.ndarray, end: float) -> float:
    return float(seconds[np.argmax(reached)]) if reached.any() else end


def _per_effective_draw(context: Context) -> Measurement:
    rate = ess_per_second(context)
    if not isinstance(rate.value, float) or rate.value <= 0:
        return missing(rate.note or "there are no effective draws", _SECONDS)
    return Measurement(1 / rate.value, None, _SECONDS, f"for one effective draw; {rate.note}")
