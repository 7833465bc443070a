"""How well a method predicts new points, beside the reference's prediction."""

import numpy as np

from experiments.metrics._context import Context, missing
from experiments.metrics._metric import metric
from experiments.posterior.draws import are_independent, mean_and_error
from experiments.posterior.predictive import (
    densities_of_chains,
    flat,
    sample_predictive,
    thinned,
    total_variation,
)
from experiments.records import Measurement, Problem, Threshold
from hand_cavi import InputError, NormalKnownVariance

POINTS = 2000
"""New points; the same for every method."""

_DRAWS = 1000
_FROM_TRUTH = f"{POINTS} new points simulated from the truth"
_FROM_REFERENCE = (
    f"{POINTS} new points from the reference's own prediction, so that this is minus the divergence of the "
    "method's prediction from it: there is no truth to simulate from, and no data were held out of the fits"
)


@metric(theme="Prediction", label="held-out log density per point, minus the reference's", only="mixtures")
def held_out(context: Context) -> Measurement:
    """Prediction of new points: mean log predictive density, method minus reference, in nats a point.

    The mean paired difference over new points, with its standard error. The error holds the spread over
    points and the Monte-Carlo error of both predictive densities: to first order, log p(y) moves with the
    draws as the mean over points of p(y | theta_s) / p(y) does.
    """
    problem, reference, unit = context.mixture, context.reference.draws, "nats per point"
    if context.without_reference or reference is None:
        return missing(context.without_reference, unit)
    rng = context.rng()
    ours, theirs = thinned(context.draws, _DRAWS), thinned(reference, 2 * _DRAWS)
    # Half of the reference's draws make points, where that is needed, and the other half predict them.
    makers, theirs = ({name: values[:, first::2] for name, values in theirs.items()} for first in (1, 0))
    points, note = from_truth(problem, rng), _FROM_TRUTH
    if points is None:
        points, note = sample_predictive(problem, flat(makers), rng, POINTS), _FROM_REFERENCE
    logs, variance = [], 0.0
    for chains, tree in ((ours, context.draws), (theirs, reference)):
        values = densities_of_chains(problem, points, chains)
        density = values.mean(axis=(0, 1))
        _, error = mean_and_error((values / density).mean(axis=2), independent=are_independent(tree))
        variance += float(error) ** 2
        logs.append(np.log(density))
    difference = logs[0] - logs[1]
    if not np.isfinite(difference).all():
        return missing("a new point has no predictive density above 0", unit)
    variance += float(difference.var(ddof=1)) / len(difference)
    return Measurement(float(difference.mean()), float(np.sqrt(variance)), unit, note)


def from_truth(problem: Problem, rng: np.random.Generator) -> np.ndarray | None:
    """Return new points from a simulation's truth, (POINTS, D), or None if it is not known in full.

    The truth must hold all of a component's parameters, and the data must be such as it makes.
    """
    truth, prior = problem.truth, problem.mixture.components.with_features(problem.x.shape[1])
    names = set(prior.mean_draw())
    if not names <= set(truth) or "weights" not in truth:
        return None
    theta = {name: truth[name] for name in names}
    weights = np.asarray(truth["weights"], dtype=np.float64)
    if isinstance(prior, NormalKnownVariance) and not _noise_fits(problem, prior.noise_variance):
        return None
    assignments = rng.choice(len(weights), size=POINTS, p=weights / weights.sum())
    try:
        return prior.sample_data(rng, theta, assignments)
    except (InputError, IndexError):  # a truth of another shape is another family's
        return None


def _noise_fits(problem: Problem, noise_variance: float) -> bool:
    """Whether the noise about the true means has the model's variance: chi-square, 5 standard deviations."""
    if "residual" in problem.truth:  # of all points, where these are nodes that stand for them
        square, size = problem.truth["residual"]
    elif "assignments" in problem.truth:
        residual = problem.x - problem.truth["mu"][problem.truth["assignments"]]
        square, size = np.sum(residual**2), residual.size
    else:
        return False
    return bool(abs(square / noise_variance - size) < 5 * np.sqrt(2 * size))


@metric(theme="Prediction", label="total variation of the predictive densities", only="mixtures")
def predictive_distance(context: Context) -> Measurement:
    """Total variation between the posterior predictive densities of method and reference, from 0 to 1.

    Its threshold is the noise floor, that of halves of the reference's draws: below it the two cannot be told
    apart. Noise makes the distance too large, never too small.
    """
    reference, unit = context.reference.draws, "total variation"
    if context.without_reference or reference is None:
        return missing(context.without_reference, unit)
    found = total_variation(context.mixture, context.draws, reference, rng=context.rng())
    floor = Threshold(found.noise_floor, "at most")
    return Measurement(found.value, found.standard_error, unit, f"over {found.how}", threshold=floor)
