"""The share of starts that reached the best optimum found, with Wilson's interval."""

from experiments.metrics._context import Context, missing
from experiments.records import Measurement
from hand_cavi.result import wilson_interval


def compute(context: Context) -> Measurement:
    """Return the share among the starts, which stands for the chance of a further one like them."""
    starts, reached = context.info.get("starts"), context.info.get("starts_at_best")
    if not starts or reached is None:
        return missing(
            "it takes a method that finishes all of its starts and tells where each ended", "share"
        )
    note = f"{reached} of {starts} starts; the best optimum is the best that was found"
    return Measurement(reached / starts, None, "share", note, wilson_interval(reached, starts))
