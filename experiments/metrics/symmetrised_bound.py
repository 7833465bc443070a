"""The bound F(q_sym) of the approximation averaged over all relabellings of its components."""

from experiments.metrics._context import Context, average, missing
from experiments.records import Measurement
from experiments.symmetry import log_factorial


def compute(context: Context) -> Measurement:
    """Return F(q_sym) in nats, averaged over the draws; E_q serves, because p(x, theta) is symmetric."""
    log_ratio = context.log_ratio("log_q_symmetrised")
    if log_ratio is not None:
        return average(log_ratio, "nats")
    if context.log_ratio("log_q") is None:
        return missing("a sampler has no density q, hence no bound", "nats")
    n_components = context.problem.mixture.n_components
    return missing(
        "q could not be averaged over all relabellings; the figure lies between F and "
        f"F + ln {n_components}! = F + {log_factorial(n_components):.2f}",
        "nats",
    )
