"""Fitted densities for pictures, from draws: over a line, as ellipses, over counts and categories.

A component's density is what its family says (`experiments.families`); one that does not has no picture.
"""

import numpy as np

from experiments.families.lookup import offered
from experiments.records import Draws
from hand_cavi import InputError, Mixture

_BLOCK = 250  # draws held at once


def has_density(mixture: Mixture) -> bool:
    """Whether the components' densities can be drawn over a line."""
    return (
        _offers(mixture, "density") and not mixture.components.discrete and mixture.components.n_features == 1
    )


def has_clusters(mixture: Mixture) -> bool:
    """Whether components are normal, of one feature."""
    return has_density(mixture) and _offers(mixture, "covariance")


def has_ellipses(mixture: Mixture) -> bool:
    """Whether components are normal, of several features."""
    return _offers(mixture, "covariance") and mixture.components.n_features > 1


def has_mass(mixture: Mixture) -> bool:
    """Whether data are counts or categories, whose probabilities can be drawn as bars."""
    return _offers(mixture, "density") and mixture.components.discrete


def need_picture(mixture: Mixture) -> None:
    """Raise InputError if there is no picture of a fit of this family."""
    if not (has_clusters(mixture) or has_ellipses(mixture) or has_mass(mixture)):
        raise InputError(f"there is no picture of {mixture.components.name} yet; leave --plot out")


def component_densities(mixture: Mixture, draws: Draws, values: np.ndarray, feature: int = 0) -> np.ndarray:
    """Return E[pi_k p(x_d = value | theta_k)], (K, G), d the feature; summed over k, the predictive density.

    Draws are canonical, (S, K, ...); values, (G,), are places on a line, counts, or categories.
    """
    density = offered(mixture.components.name, "density")
    n_draws = len(next(iter(draws.values())))
    total = np.zeros((mixture.n_components, len(values)))
    for start in range(0, n_draws, _BLOCK):
        block = {name: some[start : start + _BLOCK] for name, some in draws.items()}
        weights = np.exp(mixture.weights.log_weights(block, min(_BLOCK, n_draws - start)))
        total += np.einsum("sk,skg->kg", weights, density(mixture.components, block, feature, values))
    return total / n_draws


def normal_components(mixture: Mixture, draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each component as one normal: weights (K,), means (K, D), covariances (K, D, D).

    The covariance is that at the posterior mean of the precision, plus that of the mean itself.
    """
    within = offered(mixture.components.name, "covariance")
    mu = draws["mu"]
    deviation = mu - mu.mean(axis=0)
    between = np.einsum("skd,ske->kde", deviation, deviation) / len(mu)
    weights = np.exp(mixture.weights.log_weights(draws, len(mu))).mean(axis=0)
    return weights, mu.mean(axis=0), within(mixture.components, draws) + between


def _offers(mixture: Mixture, what: str) -> bool:
    return offered(mixture.components.name, what) is not None
