"""Allocation probabilities matched to those of a pivot, which stays as it is.

Component k of the draw gets the name j of the pivot's at the cost

    cost[j, k] = - sum_i w_i p(c_i = k | x_i, theta) ln pivot_ij      (nats),

and the cheapest one-to-one naming is found exactly. It is Stephens' (2000) relabelling with the pivot
held fixed: the entropy of the draw's own allocations is the same under every naming and drops out.
A draw is *ambiguous* if its second-cheapest naming costs less than ln 20, about 3 nats, more.
"""

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import match


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations and a pivot."""
    pivot = evidence.needed_pivot
    return Naming(*match(evidence.needed_allocations.surprise(pivot)))
