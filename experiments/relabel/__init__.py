"""Label switching, in one place: give the components of every draw the same names.

Each file of `METHODS` is a way to name them; docs/relabelling.md and docs/mathematics.md, section 9, compare
their costs. Letters: N points, D features, K components, S draws; w_i weighs point i.
"""

from experiments.relabel.by_problem import allocation_probabilities, named, pivot_of
from experiments.relabel.matching import AMBIGUOUS_BELOW, match
from experiments.relabel.pivots import PivotDependence, pivot_dependence
from experiments.relabel.relabelling import METHODS, relabel

__all__ = [
    "AMBIGUOUS_BELOW",
    "METHODS",
    "PivotDependence",
    "allocation_probabilities",
    "match",
    "named",
    "pivot_dependence",
    "pivot_of",
    "relabel",
]
