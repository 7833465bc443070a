"""Log p(x) by importance sampling: draws from q, weighted by p/q_sym."""

import numpy as np

from experiments.metrics._context import Context, average, missing
from experiments.posterior.pareto import SOURCE, log_mean, most_k_hat, pareto_k_hat
from experiments.records import Measurement


def compute(context: Context) -> Measurement:
    """Return log of the mean weight in nats, with the delta method's standard error.

    Draws from q serve for q_sym because p and q_sym are symmetric; divided by q itself, a q that sits in
    one mode would miss log p(x) by ln K! with nothing to show for it. The standard error believes that the
    weights have a variance, so that a k-hat above its threshold is told in the note.
    """
    log_ratio = context.log_ratio("log_q_symmetrised")
    if log_ratio is None:
        why = "q_sym is not known" if context.log_ratio("log_q") is not None else "a sampler has no density q"
        return missing(why, "nats")
    if len(log_ratio) < 2 or not np.isfinite(log_ratio).all():
        return average(log_ratio, "nats")  # which says why there is no figure
    value, error = log_mean(log_ratio)
    k_hat, _ = pareto_k_hat(log_ratio)
    notes = []
    if k_hat > most_k_hat(len(log_ratio)):
        notes.append(
            f"it cannot be trusted: k-hat of p/q_sym is {k_hat:.2f}, above {most_k_hat(len(log_ratio)):.2f} "
            f"({SOURCE})"
        )
    elif not np.isnan(k_hat):
        notes.append(f"k-hat of p/q_sym is {k_hat:.2f}")
    if context.symmetrised_how != "exact":
        notes.append(f"q_sym is not exact: the figure is {context.symmetrised_how} this")
    return Measurement(value, error, "nats", "; ".join(notes))
