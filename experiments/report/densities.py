"""Fitted densities for pictures, from draws: over a line, as ellipses, over counts and categories.

One function for each family; a family without one here has no such picture yet.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import gammaln

from experiments.records import Draws
from hand_cavi import Mixture

_BLOCK = 250  # draws held at once

Density = Callable[[Mixture, Draws, np.ndarray], np.ndarray]


def normal(x: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    """Return the normal density."""
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def _normal_known_variance(mixture: Mixture, draws: Draws, grid: np.ndarray) -> np.ndarray:
    mu = draws["mu"][..., 0]
    noise_variance = getattr(mixture.components, "noise_variance")  # noqa: B009 (a field of this family)
    return normal(grid, mu[:, :, np.newaxis], noise_variance)


def _normal_of_precision(mixture: Mixture, draws: Draws, grid: np.ndarray) -> np.ndarray:
    mu = draws["mu"][..., 0]
    precision = draws["precision"].reshape(mu.shape)  # (S, K, 1) or (S, K, 1, 1)
    return normal(grid, mu[:, :, np.newaxis], 1 / precision[:, :, np.newaxis])


_DENSITIES: dict[str, Density] = {
    "normal_known_variance": _normal_known_variance,
    "normal_gamma": _normal_of_precision,
    "normal_wishart": _normal_of_precision,
}


def has_density(mixture: Mixture) -> bool:
    """Whether the components' densities can be drawn over a line."""
    return mixture.components.name in _DENSITIES and mixture.components.n_features == 1


def has_ellipses(mixture: Mixture) -> bool:
    """Whether components are normal, of several features."""
    return mixture.components.name in _DENSITIES and mixture.components.n_features > 1


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
    return _expected(mixture, draws, grid, _DENSITIES[mixture.components.name])


def normal_components(mixture: Mixture, draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each component as one normal: weights (K,), means (K, D), covariances (K, D, D).

    The covariance is that at the posterior mean of the precision, plus that of the mean itself.
    """
    prior: Any = mixture.components
    mu = draws["mu"]
    n_draws, n_components, n_features = mu.shape
    identity = np.eye(n_features)
    if "precision" not in draws:
        within = np.broadcast_to(prior.noise_variance * identity, (n_components, n_features, n_features))
    elif prior.name == "normal_gamma":
        within = identity / draws["precision"].mean(axis=0)[:, :, np.newaxis]
    else:
        within = np.linalg.inv(draws["precision"].mean(axis=0))
    deviation = mu - mu.mean(axis=0)
    between = np.einsum("skd,ske->kde", deviation, deviation) / n_draws
    weights = np.exp(mixture.weights.log_weights(draws, n_draws)).mean(axis=0)
    return weights, mu.mean(axis=0), within + between


def has_mass(mixture: Mixture) -> bool:
    """Whether data are counts or categories, whose probabilities can be drawn as bars."""
    return mixture.components.name in _MASSES


def component_masses(mixture: Mixture, draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    """Return E[pi_k p(x_d = value | theta_k)] for one feature d, shape (K, number of values)."""
    mass = _MASSES[mixture.components.name]
    return _expected(mixture, draws, values, lambda _, block, at: mass(block, feature, at))


def _poisson(draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    rate = draws["rate"][:, :, feature, np.newaxis]
    return np.exp(values * np.log(rate) - rate - gammaln(values + 1))


def _categorical(draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    return draws["probability"][:, :, feature, :][..., values.astype(int)]


_MASSES: dict[str, Callable[[Draws, int, np.ndarray], np.ndarray]] = {
    "gamma_poisson": _poisson,
    "dirichlet_categorical": _categorical,
}


def _expected(mixture: Mixture, draws: Draws, grid: np.ndarray, density: Density) -> np.ndarray:
    """Return the mean over draws of pi_k times the density, some draws at a time."""
    n_draws = len(next(iter(draws.values())))
    total = np.zeros((mixture.n_components, len(grid)))
    for start in range(0, n_draws, _BLOCK):
        block = {name: values[start : start + _BLOCK] for name, values in draws.items()}
        size = len(next(iter(block.values())))
        weights = np.exp(mixture.weights.log_weights(block, size))
        total += np.einsum("sk,skg->kg", weights, density(mixture, block, grid))
    return total / n_draws
