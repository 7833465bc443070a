"""What the two simulated sources share: weights, assignments, points, and what is kept of them."""

from typing import Any

import numpy as np

from experiments.config.plugins import find_class
from experiments.datasets import Dataset
from hand_cavi import FixedWeights, Mixture
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, refuse_beyond_memory, within_float64
from hand_cavi.weights.mixing import MixingWeights

Weights = tuple[float, ...] | dict[str, object] | None
"""Numbers that sum to 1, a prior from which they are drawn (its name and options), or None: equal."""

ABOUT_WEIGHTS = (
    "the components' weights; or the prior that they are drawn from, a table such as "
    '{ name = "dirichlet", concentration = 1.0 }; without, equal'
)


def check_asked(n: int, weights: Weights, n_components: int, n_features: int = 1) -> None:
    """Raise ValueError if no memory holds N points, or weights are no distribution over K components."""
    refuse_beyond_memory(
        n * (n_features + 1) + n_components * n_features, f"{n} points of {n_components} components"
    )
    if not isinstance(weights, tuple):
        return
    if len(weights) != n_components:
        raise ValueError(f"weights are {len(weights)}, but components {n_components}")
    if min(weights) < 0 or abs(sum(weights) - 1) > 1e-9:
        raise ValueError("weights must not be negative, and must sum to 1")


def simulated(
    family: ConjugateFamily,
    theta: Draws,
    weights: Weights,
    n: int,
    rng: np.random.Generator,
    about: str,
    *,
    drawn: bool,
) -> Dataset:
    """Draw n points of components with parameters theta, arrays (K, ...).

    In `about`, ``{points}`` and ``{share}`` stand for the number of points and for the weights. Whether theta
    was drawn from the family as its prior, `drawn` says.
    """
    n_components = len(next(iter(theta.values())))
    check_asked(n, weights, n_components, family.n_features)
    prior, shares = _weights(weights, n_components, rng)
    assignments = rng.choice(n_components, size=n, p=shares)
    try:
        with within_float64():
            x = family.sample_data(rng, theta, assignments)
    except InputError:
        raise
    except ValueError as error:  # as a generator of numpy says it of parameters
        raise InputError(f"no points can be drawn at these parameters: {error}") from None
    mixture = Mixture(family, prior, n_components) if drawn and prior is not None else None
    equal = np.ptp(shares) == 0
    return Dataset(
        x=x,
        features=("x",) if x.shape[1] == 1 else tuple(f"x{d + 1}" for d in range(x.shape[1])),
        about=about.format(
            points="1 point" if n == 1 else f"{n} points",
            share="equal weights" if equal else "weights " + ", ".join(f"{w:.3g}" for w in shares),
        ),
        truth={**theta, "weights": shares, "assignments": assignments},
        drawn_from=mixture,
    )


def _weights(
    weights: Weights, n_components: int, rng: np.random.Generator
) -> tuple[MixingWeights | None, np.ndarray]:
    """Return the prior of the weights, None where they were given, and the weights themselves, shape (K,)."""
    if weights is None:
        return FixedWeights(), np.full(n_components, 1 / n_components)
    if isinstance(weights, tuple):
        return None, np.asarray(weights) / np.sum(weights)
    options: dict[str, Any] = {key: value for key, value in weights.items() if key != "name"}
    if not isinstance(name := weights.get("name"), str):
        raise InputError('weights: a prior needs a name, such as { name = "dirichlet", concentration = 1.0 }')
    try:
        prior: MixingWeights = find_class("weights", name)(**options).for_components(n_components)
    except TypeError as error:
        raise InputError(f"weights: {str(error).partition(') ')[2] or error}") from None
    shares = np.exp(prior.log_weights(prior.sample(rng, 1), 1)[0])
    return prior, shares / shares.sum()
