"""What the two simulated sources share: weights, assignments, points, and what is kept of them."""

from collections.abc import Sequence

import numpy as np

from experiments.datasets import Dataset
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, refuse_beyond_memory, within_float64


def check_asked(n: int, weights: Sequence[float] | None, n_components: int, n_features: int = 1) -> None:
    """Raise ValueError if no memory holds N points, or weights are no distribution over K components."""
    refuse_beyond_memory(
        n * (n_features + 1) + n_components * n_features, f"{n} points of {n_components} components"
    )
    if weights is None:
        return
    if len(weights) != n_components:
        raise ValueError(f"weights are {len(weights)}, but components {n_components}")
    if min(weights) < 0 or abs(sum(weights) - 1) > 1e-9:
        raise ValueError("weights must not be negative, and must sum to 1")


def simulated(
    family: ConjugateFamily,
    theta: Draws,
    weights: Sequence[float] | None,
    n: int,
    rng: np.random.Generator,
    about: str,
) -> Dataset:
    """Draw n points of components with parameters theta, arrays (K, ...).

    In `about`, ``{points}`` and ``{share}`` stand for the number of points and for the weights.
    """
    n_components = len(next(iter(theta.values())))
    check_asked(n, weights, n_components, family.n_features)
    shares = np.full(n_components, 1 / n_components)
    if weights is not None:
        shares = np.asarray(weights) / np.sum(weights)
    assignments = rng.choice(n_components, size=n, p=shares)
    try:
        with within_float64():
            x = family.sample_data(rng, theta, assignments)
    except InputError:
        raise
    except ValueError as error:  # as a generator of numpy says it of parameters
        raise InputError(f"no points can be drawn at these parameters: {error}") from None
    equal = np.ptp(shares) == 0
    return Dataset(
        x=x,
        features=("x",) if x.shape[1] == 1 else tuple(f"x{d + 1}" for d in range(x.shape[1])),
        about=about.format(
            points="1 point" if n == 1 else f"{n} points",
            share="equal weights" if equal else "weights " + ", ".join(f"{w:.3g}" for w in shares),
        ),
        truth={**theta, "weights": shares, "assignments": assignments},
    )
