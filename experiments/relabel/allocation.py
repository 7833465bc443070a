"""Allocation probabilities matched to those of a pivot, which stays as it is.

cost[j, k] = - sum_i w_i p(c_i = k | x_i, theta) ln pivot_ij in nats: Stephens' (2000) relabelling with the
pivot held fixed. The entropy of the draw's own allocations is the same under every naming and drops out.
"""

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import match


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations and a pivot."""
    pivot = evidence.needed_pivot
    return Naming(*match(evidence.needed_allocations.surprise(pivot)))
