"""Posterior sds of the components' locations, every draw's components sorted by their first feature."""

from experiments.metrics._context import Context, by_component, missing
from experiments.posterior.draws import sd_and_error, sorted_location
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return the K standard deviations, or (K, D) of them, with Monte-Carlo standard errors."""
    if not context.finite:
        return missing("some draws are not finite", "data")
    sd, error = sd_and_error(sorted_location(context.draws), independent=context.independent)
    return by_component(sd, error, "data")
