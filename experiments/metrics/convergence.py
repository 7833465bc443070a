"""Whether a method reached its end: falls on the way, gains that were left, and how many starts agree.

`update_gain` and `step_gain` are those of docs/mathematics.md, section 8. A method whose own updates gain
less when it goes on from its end (`Told.elbo_left`) updates otherwise than the model says: no ascent gains
less on the whole way than in its first half-step.
"""

import numpy as np

from experiments.metrics._assigned import AssignedJoint
from experiments.metrics._context import FEWEST_DRAWS, Context, missing, too_few
from experiments.metrics._metric import metric
from experiments.metrics.bounds import ASSIGNMENTS
from experiments.records import Measurement, Threshold
from experiments.verdict.cell import FINISHED
from experiments.verdict.impossible_bounds import LARGEST_FALL
from hand_cavi.numerics.special import logsumexp
from hand_cavi.result import wilson_interval

GROUPS = 20
"""Of draws, each of which gives an r of its own."""

MATTERS = 0.05
"""Nats that a method which says it has converged may have left: a convention, and ADVI's own tolerance."""


@metric(theme="Bounds", label="smallest gain of a half-step, relative")
def monotonicity(context: Context) -> Measurement:
    """Whether coordinate ascent ever went down: the smallest gain of a half-step, over max(1, |bound|).

    It is over all half-steps of all starts; no half-step can lower the bound.
    """
    gain = context.told.smallest_gain
    if gain is None:
        return missing("only coordinate ascent has half-steps that cannot lower its bound", "relative")
    note = "the smallest gain of a half-step of any start; in exact arithmetic none is below 0"
    return Measurement(float(gain), 0.0, "relative", note, threshold=Threshold(LARGEST_FALL, "at least"))


@metric(
    theme="Bounds", label="gain of an update by its definition, beyond what its own leave", only="mixtures"
)
def update_gain(context: Context) -> Measurement:
    """What updating q(theta) by its definition would gain, beyond what the method's own updates say is left.

    In nats with its standard error; negative where more is left than this half-step. What a method does not
    state, or what is too much for one that has come to its end, is not believed: then it is the whole gain.
    """
    if context.told.bound_of != ASSIGNMENTS or context.log_ratio("log_q") is None:
        return missing("the method is no coordinate ascent over parameters and assignments", "nats")
    joint = AssignedJoint.of(context.mixture, context.draws)
    n_draws = len(joint.phi)
    if n_draws < FEWEST_DRAWS:
        return missing(too_few(n_draws), "nats")
    given = np.stack([joint.given(joint.assign(slice(g, None, GROUPS))[0]) for g in range(GROUPS)])
    if not np.isfinite(given).all():
        return missing("it is not finite at some draws", "nats")
    gain, error = _gain(given - given.mean(axis=1, keepdims=True))
    left = context.told.elbo_left
    if left is None or (left > MATTERS and context.result.outcome in FINISHED):
        note = "what its own updates leave is not stated, or too much for a method at its end"
        return Measurement(gain, error, "nats", note, threshold=Threshold(MATTERS, "at most"))
    return Measurement(gain - max(left, 0.0), error, "nats")


def _gain(a: np.ndarray) -> tuple[float, float]:
    """Return KL(q, q*) and its standard error, by a of every group and draw, (G, S), of mean 0 over draws.

    The part of a's variance that is due to r's error is known by the spread between the groups.
    """
    n_groups, n_draws = a.shape
    mean = a.mean(axis=0)
    variance = float(np.mean(mean**2))
    due_to_r = float(np.mean((a - mean) ** 2)) / (n_groups - 1)
    log_mean = float(logsumexp(mean, axis=0) - np.log(n_draws))
    sampling = np.std(np.exp(mean - log_mean) - mean) / np.sqrt(n_draws)
    of_r = np.sqrt(4 * variance * due_to_r + 2 * due_to_r**2) / 2
    return log_mean - due_to_r / 2, float(np.hypot(sampling, of_r))


@metric(theme="Bounds", label="gain of one step on, in F")
def step_gain(context: Context) -> Measurement:
    """What one step on from a Gaussian q gains in F: at an optimum nothing (`experiments.methods.step_gain`).

    In nats with its standard error, as the method tells it.
    """
    gain, error = context.told.step_gain, context.told.step_gain_se
    if gain is None or error is None:
        return missing("the method is no Gaussian approximation, or does not step on from its end", "nats")
    return Measurement(gain, error, "nats", threshold=Threshold(MATTERS, "at most"))


@metric(theme="Bounds", label="share of starts at the best optimum")
def share_at_best(context: Context) -> Measurement:
    """The share of starts that reached the best optimum found, with Wilson's interval.

    It stands for the chance of a further start like them.
    """
    starts, reached = context.told.starts, context.told.starts_at_best
    if not starts or reached is None:
        return missing(
            "it takes a method that finishes all of its starts and tells where each ended", "share"
        )
    note = f"{reached} of {starts} starts; the best optimum is the best that was found"
    return Measurement(reached / starts, None, "share", note, wilson_interval(reached, starts))
