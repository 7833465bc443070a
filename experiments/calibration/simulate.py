"""Data from the model's own prior: theta and pi, then c, then x; the same for every method."""

import numpy as np

from experiments.engine.seeds import generator
from experiments.records import Problem
from hand_cavi import Mixture


def simulate(mixture: Mixture, n_points: int, rng: np.random.Generator) -> Problem:
    """Run the model forwards once; its components must know their number of features.

    The problem's `truth` holds the canonical parameters, arrays (K, ...), and ``assignments``, shape (N,).
    """
    n_components = mixture.n_components
    theta = mixture.components.sample(rng, n_components)
    pi = mixture.weights.sample(rng, 1)
    share = np.exp(mixture.weights.log_weights(pi, 1)[0])
    assignments = rng.choice(n_components, size=n_points, p=share / share.sum())
    x = mixture.components.sample_data(rng, theta, assignments)
    weights = {name: values[0] for name, values in pi.items()}
    truth = {**theta, **weights, "assignments": assignments}
    return Problem(mixture, x, truth=truth, truth_from_prior=True)


def replicate(mixture: Mixture, n_points: int, *, seed: int, model: str, number: int) -> Problem:
    """Return the replicate of this number, from 0: the same whatever else is asked for, and for every method.

    Its seed descends from the calibration's root seed and the model's name.
    """
    return simulate(mixture, n_points, generator(seed, "calibration", model, number))
