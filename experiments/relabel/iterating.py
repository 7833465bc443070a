"""Relabelling to a fixed point: name the draws by a pivot, average them to a new pivot, and again."""

from collections.abc import Callable

import numpy as np

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.matching import cheapest

_GAIN = 1e-10  # relative fall of the total cost below which nothing has changed but rounding


def to_fixed_point(
    evidence: Evidence, first_costs: np.ndarray, costs_under: Callable[[np.ndarray], np.ndarray]
) -> Naming:
    """Iterate until the naming of no draw changes; names are then exchanged so that the anchor's stay.

    The first costs, (S, K, K), are under the pivot to start from; `costs_under` returns those under the pivot
    that a naming, (S, K), gives.
    """
    order = cheapest(first_costs)
    total, converged, iterations = np.inf, False, 1
    while not converged and iterations < evidence.max_iterations:
        costs = costs_under(order)
        new = cheapest(costs)
        iterations += 1
        new_total = float(np.take_along_axis(costs, new[:, :, np.newaxis], axis=2).sum())
        converged = np.array_equal(new, order) or new_total >= total - _GAIN * abs(total)
        order, total = new, new_total
    if evidence.anchor is not None:
        order = order[:, np.argsort(order[evidence.anchor])]
    return Naming(order, iterations=iterations, converged=converged)
