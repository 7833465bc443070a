"""One row of every family: a small problem for tests of configuration, figures, formulas and summaries."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    StickBreaking,
)
from hand_cavi.conjugate import ConjugateFamily


@dataclass(frozen=True)
class Case:
    """A prior of two features, points by which of two components has them, and what its location is called.

    `picture` is the figure that shows pairs of features; None where none does.
    """

    prior: ConjugateFamily
    data: Callable[[np.random.Generator, np.ndarray], np.ndarray]
    location: str = "mu"
    discrete: bool = False
    picture: str | None = "ellipses"


def _clumps(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    return np.where(first, [-2.0, -1.0], [2.0, 3.0]) + 0.7 * rng.standard_normal((len(first), 2))


def _counts(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    return rng.poisson(np.where(first, [2.0, 9.0], [8.0, 1.0])).astype(float)


def _categories(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    shares = np.where(first, [0.8, 0.1, 0.1], [0.1, 0.2, 0.7])
    return np.stack([[rng.choice(3, p=p) for p in shares] for _ in range(2)], axis=1).astype(float)


WEIGHTS = {"fixed": FixedWeights(), "dirichlet": DirichletWeights(1.5), "stick_breaking": StickBreaking(1.2)}
CASES = {
    "normal_known_variance": Case(NormalKnownVariance([0.0, 1.0], 9.0, 0.5), _clumps),
    "normal_gamma": Case(NormalGamma([0.0, 1.0], 0.1, 2.5, [1.0, 2.0]), _clumps),
    "normal_wishart": Case(NormalWishart([0.0, 1.0], 0.1, 5.0, [[2.0, 0.5], [0.5, 1.0]]), _clumps),
    "gamma_poisson": Case(GammaPoisson([1.0, 2.0], [0.2, 0.3]), _counts, "rate", True, "bars"),
    "dirichlet_categorical": Case(
        DirichletCategorical([[1.0, 2.0, 1.0], [1.0, 1.0, 1.0]]), _categories, "probability", True, "bars"
    ),
}
FAMILIES = list(CASES)
PRIORS = {family: case.prior for family, case in CASES.items()}
CALLED = {family: "mean" if case.location == "mu" else case.location for family, case in CASES.items()}
"""What pages and the terminal call a component's location."""


def data_of(family: str, n: int = 40, seed: int = 3) -> np.ndarray:
    """Return points of two components of a family, shape (n, 2)."""
    return CASES[family].data(np.random.default_rng(seed), (np.arange(n) < n // 2)[:, np.newaxis])
