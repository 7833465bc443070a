"""Data-based relabelling, after Rodriguez & Walker (2014): docs/mathematics.md, section 9.

Two differences from the paper: their centres come from one sequential pass over the draws, and their loss is
the sum of squares alone. With ln s_j each step lowers one total, minus a normal log likelihood, so that the
turns must end.
"""

import numpy as np

from experiments.relabel.evidence import Evidence, Naming
from experiments.relabel.iterating import to_fixed_point

_NARROW = 1e-6  # the smallest scale, in standard deviations of all data


def name_draws(evidence: Evidence) -> Naming:
    """Return the naming; needs allocations and the data."""
    allocations, x = evidence.needed_allocations, evidence.needed_data

    def costs(held: np.ndarray) -> np.ndarray:
        return allocations.weigh(_distance(x, held, allocations.weight))

    return to_fixed_point(evidence, costs(evidence.start), lambda order: costs(allocations.average(order)))


def _distance(x: np.ndarray, held: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return how far point i of x, (n, L), is from name j, which holds held[i, j] of it, in nats; (n, K)."""
    _, spread = _moments(x, weight)
    spread = np.where(spread > 0, spread, 1.0)  # a feature that never varies tells nothing apart
    distance = np.empty_like(held)
    for j in range(held.shape[1]):
        mass = held[:, j] * weight
        mean, scale = _moments(x, mass if mass.any() else weight)  # a name that holds nothing: all points
        scale = np.maximum(scale, _NARROW * spread)
        distance[:, j] = (((x - mean) / scale) ** 2 / 2 + np.log(scale)).sum(axis=1)
    return distance


def _moments(x: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of every feature, (L,), under weights (n,)."""
    share = mass / mass.sum()
    mean = share @ x
    return mean, np.sqrt(share @ (x - mean) ** 2)
