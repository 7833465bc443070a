"""The collapsed bound F(q) = E_q[log p(x, theta) - log q(theta)], with the assignments summed out."""

from experiments.metrics._context import Context, average, missing
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return F in nats, averaged over the draws."""
    log_ratio = context.log_ratio("log_q")
    if log_ratio is None:
        return missing("a sampler has no density q, hence no bound", "nats")
    return average(log_ratio, "nats")
