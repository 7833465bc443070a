"""Independent draws from a mixture's prior, from which sequential Monte Carlo begins."""

import numpy as np

from experiments.records.problem import Draws
from hand_cavi import Mixture


def prior_draws(
    mixture: Mixture, n_features: int, rng: np.random.Generator, runs: int, particles: int
) -> Draws:
    """Return independent canonical draws from the prior, arrays (R, S, K, ...)."""
    n, n_components = runs * particles, mixture.n_components
    theta = mixture.components.with_features(n_features).sample(rng, n * n_components)
    draws = {name: values.reshape(n, n_components, *values.shape[1:]) for name, values in theta.items()}
    draws |= mixture.weights.sample(rng, n)
    return {name: values.reshape(runs, particles, *values.shape[1:]) for name, values in draws.items()}
