"""Fitted densities for pictures: the posterior mean of each component's density, from draws.

One function for each family; a family without one here has no density picture yet.
"""

from collections.abc import Callable

import numpy as np

from experiments.records import Draws
from hand_cavi import Mixture

_BLOCK = 250  # draws held at once


def normal(x: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    """Return the normal density."""
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def _normal_known_variance(mixture: Mixture, draws: Draws, grid: np.ndarray) -> np.ndarray:
    mu = draws["mu"][..., 0]
    noise_variance = getattr(mixture.components, "noise_variance")  # noqa: B009 (a field of this family)
    return normal(grid, mu[:, :, np.newaxis], noise_variance)


_DENSITIES: dict[str, Callable[[Mixture, Draws, np.ndarray], np.ndarray]] = {
    "normal_known_variance": _normal_known_variance,
}


def has_density(mixture: Mixture) -> bool:
    """Whether the components' densities can be drawn over a line."""
    return mixture.components.name in _DENSITIES and mixture.components.n_features == 1


def component_scale(mixture: Mixture) -> float:
    """Return a component's own standard deviation where it is known, else 0."""
    return float(np.sqrt(getattr(mixture.components, "noise_variance", 0.0)))


def component_densities(mixture: Mixture, draws: Draws, grid: np.ndarray) -> np.ndarray:
    """Return E[pi_k p(x | theta_k)] over the draws, shape (K, G); summed over k, the predictive density.

    Parameters
    ----------
    mixture : Mixture
    draws : dict of ndarray
        Canonical draws, (S, K, ...).
    grid : ndarray, shape (G,)
    """
    density = _DENSITIES[mixture.components.name]
    n_draws = len(draws["mu"])
    total = np.zeros((mixture.n_components, len(grid)))
    for start in range(0, n_draws, _BLOCK):
        block = {name: values[start : start + _BLOCK] for name, values in draws.items()}
        size = len(block["mu"])
        weights = np.exp(mixture.weights.log_weights(block, size))
        total += np.einsum("sk,skg->kg", weights, density(mixture, block, grid))
    return total / n_draws
