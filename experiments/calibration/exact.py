"""Exact places of a sorted location under a mean-field q: the tail of a sum of K independent indicators."""

from collections.abc import Callable

import numpy as np

from experiments.families.lookup import offered
from hand_cavi.conjugate import ConjugateFamily


def sorted_cdf(components: ConjugateFamily, sorted_values: np.ndarray) -> np.ndarray:
    """Return P(the j-th smallest of K independent numbers <= t_j), (K, L), at t, (K, L), ascending in j."""
    cdf: Callable[[ConjugateFamily, np.ndarray], np.ndarray] = offered(components.name, "cdf")
    marginal = cdf(components, sorted_values)  # (j, k, L): F_k(t_j)
    return np.stack([at_least(j + 1, marginal[j]) for j in range(len(sorted_values))])


def has_marginals(components: ConjugateFamily) -> bool:
    """Whether the family's marginal distribution functions are known."""
    return offered(components.name, "cdf") is not None


def at_least(number: int, chances: np.ndarray) -> np.ndarray:
    """Return the probability that at least `number` of K independent events happen, (K, ...) to (...)."""
    counts = np.zeros((len(chances) + 1, *chances.shape[1:]))
    counts[0] = 1.0
    for chance in chances:
        counts[1:] = counts[1:] * (1 - chance) + counts[:-1] * chance
        counts[0] = counts[0] * (1 - chance)
    return np.clip(counts[number:].sum(axis=0), 0.0, 1.0)
