"""Stephens (2000): allocation probabilities matched to their own average, to a fixed point.

cost[j, k] = - sum_i w_i p_ik ln q_ij, with q the average of the renamed draws, until no naming changes (his
algorithm 2). Each step lowers sum_s KL(p_s, q), but for the entropy of p_s, which is the same under every
naming. It starts from `Evidence.start`, smoothed, so that no point costs more than 14 nats.
"""

import numpy as np

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.iterating import to_fixed_point

_TINY = float(np.finfo(np.float64).tiny)  # only for 0 ln 0: q_ij is 0 where p_ik is 0 in every draw


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations."""
    allocations = evidence.needed_allocations
    return to_fixed_point(
        evidence,
        allocations.surprise(evidence.start),
        lambda order: allocations.surprise(allocations.average(order), _TINY),
    )
