"""The cheapest naming of a draw's components, and how much cheaper it is than the next.

Few components: all K! namings are added up at once, for all draws. Many: an assignment problem for each draw
(Kuhn 1955; Jonker & Volgenant 1987, as in scipy).
"""

from itertools import permutations
from math import factorial, log

import numpy as np
from scipy.optimize import linear_sum_assignment

AMBIGUOUS_BELOW = log(20)
"""Nats between the cheapest and the second-cheapest naming: odds below 20 to 1 (a convention)."""

MOST_ENUMERATED = 720
"""K! up to which all namings are added up: faster than K + 1 assignment problems a draw to K = 6."""

_BLOCK = 1 << 20  # numbers held at once: 8 MB


def match(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the cheapest naming of every draw, and how much cheaper it is than the next.

    Parameters
    ----------
    costs : ndarray, shape (S, K, K)
        Of giving name j to component k; finite.

    Returns
    -------
    naming : ndarray of int, shape (S, K)
        ``naming[s, j]`` is the component of draw s that gets name j.
    margin : ndarray, shape (S,)
        Infinite for K = 1.
    """
    n_draws, n_components = costs.shape[:2]
    if n_components == 1:
        return np.zeros((n_draws, 1), dtype=np.intp), np.full(n_draws, np.inf)
    if factorial(n_components) <= MOST_ENUMERATED:
        return _by_enumeration(costs)
    return _by_assignment(costs)


def cheapest(costs: np.ndarray) -> np.ndarray:
    """Return the cheapest naming of every draw alone, as `match` does, (S, K)."""
    if factorial(costs.shape[1]) <= MOST_ENUMERATED:
        return match(costs)[0]
    return np.stack([linear_sum_assignment(cost)[1] for cost in costs])


def _by_enumeration(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n_draws, n_components = costs.shape[:2]
    namings = np.array(list(permutations(range(n_components))), dtype=np.intp)
    chosen, two = np.empty(n_draws, dtype=np.intp), np.empty((n_draws, 2))
    size = max(1, _BLOCK // len(namings))
    for start in range(0, n_draws, size):
        some = slice(start, start + size)
        total = costs[some, 0, namings[:, 0]]  # (B, K!)
        for j in range(1, n_components):
            total += costs[some, j, namings[:, j]]
        chosen[some] = np.argmin(total, axis=1)
        two[some] = np.partition(total, 1, axis=1)[:, :2]
    return namings[chosen], two[:, 1] - two[:, 0]


def _by_assignment(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    naming = np.empty(costs.shape[:2], dtype=np.intp)
    margin = np.full(len(costs), np.inf)
    for s, cost in enumerate(costs):
        names, components = linear_sum_assignment(cost)
        naming[s] = components
        least = cost[names, components].sum()
        # The second cheapest differs somewhere: forbid each pair of the cheapest in turn.
        forbidding = 1 + np.abs(cost).sum()
        for j, k in zip(names, components, strict=True):
            changed = cost.copy()
            changed[j, k] += forbidding
            margin[s] = min(margin[s], changed[linear_sum_assignment(changed)].sum() - least)
    return naming, margin
