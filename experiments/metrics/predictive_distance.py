"""Total variation between the posterior predictive densities of method and reference, from 0 to 1."""

from experiments.metrics._context import Context, missing
from experiments.posterior.predictive import total_variation
from experiments.records import Measurement, Threshold

_UNIT = "total variation"


def compute(context: Context) -> Measurement:
    """Return the distance; its threshold is the noise floor, that of halves of the reference's draws.

    Below the floor the two cannot be told apart. Noise makes the distance too large, never too small.
    """
    if context.without_reference or context.reference.draws is None:
        return missing(context.without_reference, _UNIT)
    distance = total_variation(context.problem, context.draws, context.reference.draws, rng=context.rng())
    return Measurement(
        distance.value,
        distance.standard_error,
        _UNIT,
        f"over {distance.how}",
        threshold=Threshold(distance.noise_floor, "at most"),
    )
