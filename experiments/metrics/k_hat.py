"""Pareto k-hat of the importance weights p/q and p/q_sym: how far q can stand for the posterior."""

import numpy as np

from experiments.metrics._context import Context, missing
from experiments.posterior.pareto import SOURCE, most_k_hat, pareto_k_hat
from experiments.records import Measurement, Threshold

ENTRIES = ("p/q", "p/q_sym")


def compute(context: Context) -> Measurement:
    """Return both k-hats with standard errors; NaN where one does not exist.

    A q that sits in one of K! modes may have a fine k-hat for p/q: draws do not see what they never visit.
    """
    ratios = [context.log_ratio("log_q"), context.log_ratio("log_q_symmetrised")]
    if ratios[0] is None:
        return missing("a sampler has no density q, hence no importance weights")
    n_draws = len(ratios[0])
    if not all(ratio is None or np.isfinite(ratio).all() for ratio in ratios):
        return missing("log p - log q is not finite at some draws")
    pairs = [(float("nan"), float("nan")) if r is None else pareto_k_hat(r) for r in ratios]
    if all(np.isnan(value) for value, _ in pairs):
        return missing("the weights are all equal, or too few for a tail")
    values, errors = [value for value, _ in pairs], [error for _, error in pairs]
    note = f"from {n_draws} draws"
    if context.symmetrised_how != "exact":
        note += "; q_sym itself is not exact"
    threshold = Threshold(most_k_hat(n_draws), "at most", SOURCE)
    return Measurement(values, errors, "", note, threshold=threshold, entries=ENTRIES)
