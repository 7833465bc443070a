"""Which points belong together, and by what components are named."""

from experiments.metrics._context import Context, missing
from experiments.metrics._metric import OTHERS, metric
from experiments.posterior import coclustering
from experiments.records import Measurement
from experiments.relabel import pivot_dependence as dependence
from experiments.relabel import pivot_of


@metric(theme="Moments", label="co-clustering difference", only="mixtures")
def co_clustering(context: Context) -> Measurement:
    """How far the probabilities that two points belong together are from the reference's.

    The largest and the mean absolute difference over pairs of points, with standard errors.
    """
    problem, reference = context.mixture, context.reference.draws
    if context.without_reference or reference is None:
        return missing(context.without_reference, "probability")
    if len(problem.x) < 2:
        return missing("one point has no other", "probability")
    ours = coclustering.co_clustering(problem, context.draws)
    theirs = coclustering.co_clustering(problem, reference, points=ours.points)
    apart = coclustering.difference(ours, theirs)
    first, second = apart.pair
    note = f"between {len(ours.points)} points; the largest is that of points {first + 1} and {second + 1}; "
    note += f"the reference's noise alone makes a mean of {apart.noise:.2g}"
    values, errors = zip(apart.largest, apart.mean, strict=True)
    return Measurement(list(values), list(errors), "probability", note, entries=("largest", "mean"))


@metric(theme=OTHERS, only="mixtures")
def pivot_dependence(context: Context) -> Measurement:
    """Share of the draws that are named differently if the pivot is taken from the reference instead.

    The note tells by how much component-wise means move. The first pivot is the context's, by which the
    component-wise figures are named (without one, the method's best draw); the second is the best of the
    reference's draws. The share is of the very draws that are relabelled: it has no Monte-Carlo error.
    """
    problem, draws, unit = context.mixture, context.reference.draws, "share"
    if draws is None:
        return missing("the reference has no draws to take a pivot from", unit)
    if not context.finite:
        return missing("some draws are not finite", unit)
    pivot = pivot_of(problem, context.draws) if context.pivot is None else context.pivot
    found = dependence(context.relabelled, pivot, pivot_of(problem, draws), problem=problem)
    if found.share == 0:
        return Measurement(0.0, 0.0, unit, "both pivots name all draws alike")
    note = (
        f"from one pivot to the other component-wise means move by up to {found.largest_change:.2g} "
        f"posterior sds ({found.where})"
    )
    return Measurement(found.share, 0.0, unit, note)
