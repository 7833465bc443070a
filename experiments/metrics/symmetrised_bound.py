"""The bound F(q_sym) of the approximation averaged over all relabellings of its components."""

from experiments.metrics._context import Context, average, missing
from experiments.posterior.draws import as_arrays
from experiments.posterior.symmetrised import log_factorial
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return F(q_sym) in nats, averaged over the draws; E_q serves, because p(x, theta) is symmetric."""
    log_ratio = context.log_ratio("log_q_symmetrised")
    if log_ratio is not None:
        bound = average(log_ratio, "nats")
        return Measurement(bound.value, bound.standard_error, "nats", bound.note or _quality(context))
    if context.log_ratio("log_q") is None:
        return missing("a sampler has no density q, hence no bound", "nats")
    n_components = context.problem.mixture.n_components
    return missing(
        "q could not be averaged over all relabellings; the figure lies between F and "
        f"F + ln {n_components}! = F + {log_factorial(n_components):.2f}",
        "nats",
    )


def _quality(context: Context) -> str:
    """Return how to read a figure that only some relabellings went into; empty if all did."""
    how = context.symmetrised_how
    if how == "exact":
        return ""
    slack = float(as_arrays(context.draws, "sample_stats")["symmetrised_slack"].mean())
    if how == "at least":
        return f"at least this, and at most {slack:.2g} nats more: components far apart were not swapped"
    return f"about this: {slack:.2g} nats of it were estimated, because not all relabellings are feasible"
