"""Equivalence class representatives (Papastamoulis & Iliopoulos 2010): allocations matched to a pivot's.

cost[j, k] = sum_i w_i [z_i = k] [z*_i != j], the points at which a draw's allocations z differ from the
pivot's z*. Where there are probabilities only, every point belongs to its most probable component.
"""

from experiments.relabel.allocations import one_hot
from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import cheapest


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations and a pivot."""
    pivot = one_hot(evidence.needed_pivot)
    order = cheapest(evidence.needed_allocations.hardened().weigh(1 - pivot))
    return Naming(order)
