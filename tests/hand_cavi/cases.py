"""One row per family and per weights prior: the generic tests run over all pairs of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    StickBreaking,
)
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.weights.mixing import MixingWeights
from tests.hand_cavi import predictives


@dataclass(frozen=True)
class FamilyCase:
    """A prior, data of the kind it is for, and ln p(new | seen) of one more point, by other means."""

    prior: ConjugateFamily
    data: Callable[[np.random.Generator, int], np.ndarray]
    predictive: Callable[[ConjugateFamily, np.ndarray, np.ndarray], float]


def _two_clumps(*stretch: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Two clumps, stretched along every feature by another number."""

    def data(rng: np.random.Generator, n: int) -> np.ndarray:
        centres = np.where(rng.random((n, 1)) < 0.5, -1.5, 1.5)
        return (centres + rng.standard_normal((n, len(stretch)))) * stretch

    return data


def _two_rates(rng: np.random.Generator, n: int) -> np.ndarray:
    rates = np.where(rng.random((n, 1)) < 0.5, [0.7, 9.0], [4.0, 3.0])
    return rng.poisson(rates).astype(float)


def _two_habits(rng: np.random.Generator, n: int) -> np.ndarray:
    habit = np.where(rng.random((n, 1)) < 0.5, 0.2, 0.8)
    return rng.binomial(2, habit, size=(n, 3)).astype(float)


FAMILIES = {
    "normal_known_variance D=1": FamilyCase(
        NormalKnownVariance(0.3, 4.0, 1.7), _two_clumps(1.0), predictives.normal
    ),
    "normal_known_variance D=3": FamilyCase(
        NormalKnownVariance([0.5, -1.0, 0.0], 9.0, 0.6), _two_clumps(1.0, 1.0, 1.0), predictives.normal
    ),
    "normal_gamma D=1": FamilyCase(NormalGamma(0.3, 0.2, 2.5, 1.4), _two_clumps(2.5), predictives.student),
    "normal_gamma D=2": FamilyCase(
        NormalGamma([0.5, -1.0], 0.3, 3.0, [1.5, 4.0]), _two_clumps(3.0, 0.5), predictives.student
    ),
    "normal_wishart D=1": FamilyCase(
        NormalWishart(0.3, 0.2, 5.0, 2.8), _two_clumps(2.5), predictives.multivariate_student
    ),
    "normal_wishart D=3": FamilyCase(
        NormalWishart([0.5, -1.0, 0.0], 0.3, 7.5, [[4.0, 1.0, 0.5], [1.0, 6.0, -2.0], [0.5, -2.0, 3.0]]),
        _two_clumps(3.0, 1.0, 0.4),
        predictives.multivariate_student,
    ),
    "gamma_poisson D=2": FamilyCase(
        GammaPoisson([1.5, 3.0], [0.4, 0.6]), _two_rates, predictives.negative_binomial
    ),
    "dirichlet_categorical C=3": FamilyCase(
        DirichletCategorical([[1.0, 2.0, 0.5], [1.5, 1.5, 1.5], [0.8, 1.0, 1.2]]),
        _two_habits,
        predictives.laplace_rule,
    ),
}
NAMES = sorted({case.prior.name for case in FAMILIES.values()})

# Each for K components.
WEIGHTS: dict[str, Callable[[int], MixingWeights]] = {
    "fixed": lambda k: FixedWeights(),
    "dirichlet": lambda k: DirichletWeights(1.3),
    "dirichlet vector": lambda k: DirichletWeights(0.5 + np.arange(k)),
    "stick_breaking": lambda k: StickBreaking(0.8),
}

PAIRS = [(family, weights) for family in FAMILIES for weights in WEIGHTS]

# In the other priors the order of the components is part of the model.
EXCHANGEABLE_PAIRS = [pair for pair in PAIRS if WEIGHTS[pair[1]](3).for_components(3).exchangeable]


def make(family: str, weights: str, k: int, n: int, seed: int) -> tuple[Mixture, np.ndarray]:
    """Return a mixture of k components and n points for it."""
    case = FAMILIES[family]
    return Mixture(case.prior, WEIGHTS[weights](k), k), case.data(np.random.default_rng(seed), n)
