"""Effective draws per second of running, of the label-invariant quantity that mixes worst (samplers only)."""

import numpy as np

from experiments.draws import effective_sample_size
from experiments.metrics._context import Context, missing
from experiments.records import Measurement
from experiments.references.nuts import invariant_quantities

_UNIT = "per second"


def compute(context: Context) -> Measurement:
    """Return the smallest bulk effective sample size over the seconds of running, compiling apart."""
    if context.independent:
        return missing("draws of an approximation are independent: there is nothing to mix", _UNIT)
    if not context.seconds_run:
        return missing("the seconds of running are not known", _UNIT)
    if not context.finite:
        return missing("some draws are not finite", _UNIT)
    quantities = invariant_quantities(context.problem, context.draws)
    ess = effective_sample_size(np.stack(list(quantities.values()), axis=-1))
    if not np.isfinite(ess).all():
        return missing("a quantity never moved, or there are too few draws", _UNIT)
    worst = int(np.argmin(ess))
    note = f"effective sample size {ess[worst]:.0f}, of {list(quantities)[worst]}"
    return Measurement(float(ess[worst]) / context.seconds_run, None, _UNIT, note)
