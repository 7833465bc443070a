"""The bound on the log evidence that the method itself optimises."""

from experiments.metrics._context import Context, missing
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return the bound in nats with its standard error, 0 where it is exact."""
    if context.bound is None:
        who = "this approximation" if context.independent else "a sampler"
        return missing(f"{who} optimises no bound", "nats")
    return Measurement(context.bound, context.bound_se, "nats")
