"""Wall time in seconds: preparing (building, compiling), and running."""

from experiments.metrics._context import Context, missing
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return the two times; one run has no standard error."""
    if context.seconds_compile is None or context.seconds_run is None:
        return missing("the run was not timed", "seconds")
    times = [context.seconds_compile, context.seconds_run]
    return Measurement(times, None, "seconds", "compiling, running")
