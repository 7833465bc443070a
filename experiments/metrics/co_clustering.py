"""How far the probabilities that two points belong together are from the reference's."""

from experiments.metrics._context import Context, missing
from experiments.posterior.coclustering import co_clustering, difference
from experiments.records import Measurement

ENTRIES = ("largest", "mean")


def compute(context: Context) -> Measurement:
    """Return the largest and the mean absolute difference over pairs of points, with standard errors."""
    if context.without_reference or context.reference.draws is None:
        return missing(context.without_reference, "probability")
    if len(context.problem.x) < 2:
        return missing("one point has no other", "probability")
    ours = co_clustering(context.problem, context.draws)
    apart = difference(ours, co_clustering(context.problem, context.reference.draws, points=ours.points))
    first, second = apart.pair
    note = f"between {len(ours.points)} points; the largest is that of points {first + 1} and {second + 1}; "
    note += f"the reference's noise alone makes a mean of {apart.noise:.2g}"
    values, errors = zip(apart.largest, apart.mean, strict=True)
    return Measurement(list(values), list(errors), "probability", note, entries=ENTRIES)
