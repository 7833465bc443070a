"""Share of the draws that are named differently if the pivot is taken from the reference instead."""

from experiments.metrics._context import Context, missing
from experiments.records import Measurement
from experiments.relabel import pivot_dependence, pivot_of

_UNIT = "share"


def compute(context: Context) -> Measurement:
    """Return the share; the note tells by how much component-wise means move.

    The first pivot is the context's, by which the component-wise figures are named (without one, the
    method's best draw); the second is the best of the reference's draws. The share is of the very draws
    that are relabelled, so that it has no Monte-Carlo error.
    """
    draws = context.reference.draws
    if draws is None:
        return missing("the reference has no draws to take a pivot from", _UNIT)
    if not context.finite:
        return missing("some draws are not finite", _UNIT)
    pivot = pivot_of(context.problem, context.draws) if context.pivot is None else context.pivot
    found = pivot_dependence(
        context.relabelled, pivot, pivot_of(context.problem, draws), problem=context.problem
    )
    if found.share == 0:
        return Measurement(0.0, 0.0, _UNIT, "both pivots name all draws alike")
    note = (
        f"from one pivot to the other component-wise means move by up to {found.largest_change:.2g} "
        f"posterior sds ({found.where})"
    )
    return Measurement(found.share, 0.0, _UNIT, note)
