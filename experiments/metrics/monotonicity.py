"""Whether coordinate ascent ever went down: the smallest gain of a half-step, over max(1, |bound|)."""

from experiments.metrics._context import Context, missing
from experiments.records import Measurement, Threshold

LEAST = -1e-10
"""What rounding may take from a gain; a convention of this project."""


def compute(context: Context) -> Measurement:
    """Return the smallest gain over all half-steps of all starts; no half-step can lower the bound."""
    gain = context.info.get("smallest_gain")
    if gain is None:
        return missing("only coordinate ascent has half-steps that cannot lower its bound", "relative")
    note = "the smallest gain of a half-step of any start; in exact arithmetic none is below 0"
    return Measurement(float(gain), 0.0, "relative", note, threshold=Threshold(LEAST, "at least"))
