"""Which points belong together, how many each component holds, and by what components are named."""

import numpy as np

from experiments.metrics._context import Context, missing
from experiments.metrics._metric import OTHERS, metric
from experiments.posterior import coclustering
from experiments.posterior.draws import as_arrays, flat
from experiments.posterior.predictive import log_terms, thinned
from experiments.records import Draws, Measurement, Problem
from experiments.relabel import named, pivot_of
from experiments.relabel import pivot_dependence as dependence
from hand_cavi.ascent.cautions import Occupation

_NUMBERS, _FEWEST = 1 << 24, 100  # that are looked at, at most; draws, at least


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


@metric(theme="Moments", label="held", only="mixtures")
def occupation(context: Context) -> Measurement:
    """Expected points of each component, named as the pivot's, and the share in doubt; the note cautions."""
    if not context.finite:
        return missing("some draws are not finite", "points, share")
    assigned = context.told.bound_of == "theta and assignments"
    return _held(context.mixture, as_arrays(context.relabelled), assigned=assigned)


@metric(theme="Moments", label="held by the reference", only="mixtures")
def reference_occupation(context: Context) -> Measurement:
    """Expected points of each component under the reference, and the share in doubt; the note cautions."""
    problem, reference, pivot = context.mixture, context.reference, context.pivot
    if reference.draws is None or not reference.qualified or not context.finite:
        return missing(f"there is no reference ({reference.reason})", "points, share")
    pivot = pivot_of(problem, context.draws) if pivot is None else pivot
    return _held(problem, named(problem, flat(thinned(reference.draws)), pivot), assigned=False)


def _held(problem: Problem, draws: Draws, *, assigned: bool) -> Measurement:
    n_components, n_draws = problem.mixture.n_components, len(next(iter(draws.values())))
    most = max(_FEWEST, _NUMBERS // (len(problem.x) * n_components))
    keep = np.linspace(0, n_draws - 1, min(n_draws, most)).astype(int)
    terms = log_terms(problem, problem.x, {name: one[keep] for name, one in draws.items()})
    weight = np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight
    held = Occupation.of(terms, weight, assigned=assigned)
    whats = "points of component", "share in doubt of component"
    entries = tuple(f"{what} {k + 1}" for what in whats for k in range(n_components))
    value = [*held.points.tolist(), *held.doubt.tolist()]
    return Measurement(value, None, "points, share", "; ".join(held.cautions), entries=entries)


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
