"""The importance-weighted bound IWAE_S, between F(q) and log p(x)."""

import numpy as np

from experiments.metrics._context import Context, average, missing
from experiments.records import Measurement
from hand_cavi.numerics.special import logsumexp

WEIGHTS = 100
"""S, the weights averaged within one logarithm; fewer if there are less than ten times as many draws."""


def compute(context: Context) -> Measurement:
    """Return E[ log (1/S) sum_s p(x, theta_s)/q(theta_s) ] in nats.

    It rises with S from F (S = 1) to log p(x) (Burda, Grosse & Salakhutdinov 2016). Disjoint groups of S
    draws are independent, so that their spread gives the standard error.
    """
    log_ratio = context.log_ratio("log_q")
    if log_ratio is None:
        return missing("a sampler has no density q, hence no bound", "nats")
    size = min(WEIGHTS, len(log_ratio) // 10)
    if size < 1:
        return missing(f"{len(log_ratio)} draws are too few to be grouped", "nats")
    if not np.isfinite(log_ratio).all():
        return average(log_ratio, "nats")  # which says how many are not finite
    groups = log_ratio[: len(log_ratio) // size * size].reshape(-1, size)
    bound = average(logsumexp(groups, axis=1) - np.log(size), "nats")
    note = f"S = {size} draws of q in each of {len(groups)} groups"
    return Measurement(bound.value, bound.standard_error, "nats", note)
