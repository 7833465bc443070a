"""Stephens (2000): allocation probabilities matched to their own average, to a fixed point.

In turn, until no naming changes (his algorithm 2):

    q_ij = 1/S sum_s p_s,i,naming_s(j)                                 the average of the renamed draws,
    naming_s = the cheapest under cost[j, k] = sum_i w_i p_s,ik ln(p_s,ik / q_ij).

Each step lowers the sum over draws of the Kullback-Leibler divergence from Q. The entropy of p_s is the same
under every naming and is left out. It starts from the pivot (smoothed, so that no point costs more than
14 nats), else from the draw with the highest log density, if known, else from the first draw.
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
