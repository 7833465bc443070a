"""Effective draws per second of running, of the label-invariant quantity that mixes worst (samplers only)."""

import numpy as np

from experiments.metrics._context import Context, missing
from experiments.records import Measurement

_UNIT = "per second"


def compute(context: Context) -> Measurement:
    """Return the smallest bulk effective sample size over the seconds of running, compiling apart."""
    if context.independent:
        return missing("draws of an approximation are independent: there is nothing to mix", _UNIT)
    if not context.seconds_run:
        return missing("the seconds of running are not known", _UNIT)
    if not context.finite:
        return missing("some draws are not finite", _UNIT)
    quantity, ess = context.slowest
    if not np.isfinite(ess):
        return missing("a quantity never moved, or there are too few draws", _UNIT)
    note = f"effective sample size {ess:.0f}, of {quantity}"
    return Measurement(ess / context.seconds_run, None, _UNIT, note)
