"""Label switching, in one place: give the components of every draw the same names.

The posterior of an exchangeable mixture is the same however components are numbered, so that draws from
it may number them differently, and averages over "component 2" mean nothing until every draw is renamed.

    allocation      allocation probabilities against a fixed pivot's
    stephens        against their own average, to a fixed point (Stephens 2000)
    ecr             allocations against a pivot's (Papastamoulis & Iliopoulos 2010)
    ecr_iterative   against the most frequent ones, to a fixed point
    data_based      the data that components hold (after Rodriguez & Walker 2014)
    pivotal         locations against the best draw's (Marin, Mengersen & Robert 2005)
    ordering        sorted by one entry of the location

Letters: N points, D features, K components, S draws.
"""

from experiments.relabel.by_problem import allocation_probabilities, best_allocations, named, pivot_of
from experiments.relabel.matching import AMBIGUOUS_BELOW, match
from experiments.relabel.pivots import PivotDependence, pivot_dependence
from experiments.relabel.relabelling import METHODS, relabel

__all__ = [
    "AMBIGUOUS_BELOW",
    "METHODS",
    "PivotDependence",
    "allocation_probabilities",
    "best_allocations",
    "match",
    "named",
    "pivot_dependence",
    "pivot_of",
    "relabel",
]
