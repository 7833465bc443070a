"""Equivalence class representatives (Papastamoulis & Iliopoulos 2010): allocations matched to a pivot's.

Two allocations of the points are equivalent if they differ by names alone. A draw's allocations z are
replaced by the member of their class that differs from the pivot's z* at the fewest points:

    cost[j, k] = sum_i w_i [z_i = k] [z*_i != j]      (points).

Where there are probabilities and no allocations, every point belongs to its most probable component.
"""

from experiments.relabel.allocations import one_hot
from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import cheapest


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations and a pivot."""
    pivot = one_hot(evidence.needed_pivot)
    order = cheapest(evidence.needed_allocations.hardened().weigh(1 - pivot))
    return Naming(order)
