"""Draws whose components were exchanged at random, for the tests of relabelling."""

import numpy as np

from experiments.posterior.draws import permuted
from experiments.records import Draws, Problem
from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
)


def apart(family: str, n_components: int, n_points: int = 120, n_draws: int = 60) -> tuple[Problem, Draws]:
    """Return data of well-separated components, and draws near the truth, named alike."""
    rng = np.random.default_rng(n_components)
    steps = np.arange(n_components)

    def noise(*shape: int) -> np.ndarray:
        return rng.standard_normal((n_draws, n_components, *shape))

    if family == "gamma_poisson":
        draws = {"rate": (3.0 * 3.0**steps)[:, np.newaxis] * np.exp(0.05 * noise(1))}
        prior = GammaPoisson(1.0, 0.01)
    elif family == "dirichlet_categorical":
        shares = np.full((n_components, 3, 6), 0.02)
        shares[steps, :, steps] = 0.9
        noisy = shares * np.exp(0.1 * noise(3, 6))
        draws = {"probability": noisy / noisy.sum(axis=-1, keepdims=True)}
        prior = DirichletCategorical(np.ones((3, 6)))
    elif family == "normal_wishart":
        matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
        draws = {
            "mu": 6.0 * steps[:, np.newaxis] + 0.1 * noise(2),
            "precision": matrix * np.exp(0.1 * noise(1, 1)),
        }
        prior = NormalWishart([0.0, 0.0], 0.1, 5.0, np.eye(2))
    elif family == "normal_gamma":
        draws = {"mu": 6.0 * steps[:, np.newaxis] + 0.1 * noise(2), "precision": np.exp(0.1 * noise(2))}
        prior = NormalGamma([0.0, 0.0], 0.1, 2.0, [1.0, 1.0])
    elif family == "normal_known_variance":
        draws = {"mu": 6.0 * steps[:, np.newaxis] + 0.1 * noise(1)}
        prior = NormalKnownVariance(0.0, 100.0)
    else:
        raise KeyError(f"{family} has no draws of well-separated components here")
    weights = rng.dirichlet(np.full(n_components, 50.0), size=n_draws)
    some = {name: values[0] for name, values in draws.items()}
    x = prior.sample_data(rng, some, np.arange(n_points) % n_components)
    return Problem(Mixture(prior, DirichletWeights(2.0), n_components), x), {**draws, "weights": weights}


def overlapping(distance: float, n_points: int = 40, n_draws: int = 400) -> tuple[Problem, Draws]:
    """Return points of two normal components so far apart, and draws around their means, named alike."""
    rng = np.random.default_rng(11)
    centres = np.array([[-distance / 2], [distance / 2]])
    x = centres[np.arange(n_points) % 2] + rng.standard_normal((n_points, 1))
    draws = {"mu": centres + 0.4 * rng.standard_normal((n_draws, 2, 1))}
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), x), draws


def switched(draws: Draws, seed: int) -> Draws:
    """Return the draws with the components of each exchanged at random."""
    n_draws, n_components = next(iter(draws.values())).shape[:2]
    rng = np.random.default_rng(seed)
    return permuted(draws, rng.permuted(np.tile(np.arange(n_components), (n_draws, 1)), axis=1))


def same_up_to_one_exchange(first: Draws, second: Draws) -> bool:
    """Whether the draws are equal after an exchange of names that is the same for all draws."""
    name = next(iter(first))
    one, other = first[name][0], second[name][0]
    order = [int(np.argmin([np.abs(row - there).max() for there in other])) for row in one]
    return sorted(order) == list(range(len(one))) and all(
        np.array_equal(values, second[key][:, order]) for key, values in first.items()
    )
