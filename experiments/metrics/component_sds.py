"""Posterior sds of the components' locations, components named as the pivot's by their allocations."""

from experiments.metrics._context import Context, by_component, missing
from experiments.posterior.draws import as_chains, location, sd_and_error
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return the K standard deviations, or (K, D) of them; the note tells the share of ambiguous draws."""
    if not context.finite:
        return missing("some draws are not finite", "data")
    values = location(as_chains(context.relabelled))
    sd, error = sd_and_error(values, independent=context.independent)
    share = context.relabelled.attrs["ambiguous_share"]
    return by_component(sd, error, "data", f"the naming of {share:.1%} of the draws is ambiguous")
