"""What one step on from a Gaussian q gains in F: at an optimum nothing (`experiments.methods.step_gain`)."""

from experiments.metrics._context import Context, missing
from experiments.records import Measurement, Threshold

MATTERS = 0.05
"""Nats that a method which says it has converged may have left: a convention, and ADVI's own tolerance."""


def compute(context: Context) -> Measurement:
    """Return the gain in nats with its standard error, as the method's ``info`` has it."""
    gain, error = context.info.get("step_gain"), context.info.get("step_gain_se")
    if gain is None or error is None:
        return missing("the method is no Gaussian approximation, or does not step on from its end", "nats")
    return Measurement(gain, error, "nats", threshold=Threshold(MATTERS, "at most"))
