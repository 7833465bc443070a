"""Equivalence class representatives (Papastamoulis & Iliopoulos 2010): points put elsewhere than by a pivot.

Where there are probabilities only, every point belongs to its most probable component.
"""

from experiments.relabel.allocations import one_hot
from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import cheapest


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations and a pivot."""
    pivot = one_hot(evidence.needed_pivot)
    return Naming(cheapest(evidence.needed_allocations.hardened().weigh(1 - pivot)))
