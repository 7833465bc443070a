"""One row per family and per weights prior: the generic tests run over all pairs of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.weights.mixing import MixingWeights


@dataclass(frozen=True)
class FamilyCase:
    """A prior, and data of the kind it is for."""

    prior: ConjugateFamily
    data: Callable[[np.random.Generator, int], np.ndarray]


def _two_clumps(n_features: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    def data(rng: np.random.Generator, n: int) -> np.ndarray:
        centres = np.where(rng.random((n, 1)) < 0.5, -1.5, 1.5)
        return centres + rng.standard_normal((n, n_features))

    return data


FAMILIES = {
    "normal_known_variance D=1": FamilyCase(NormalKnownVariance(0.3, 4.0, 1.7), _two_clumps(1)),
    "normal_known_variance D=3": FamilyCase(NormalKnownVariance([0.5, -1.0, 0.0], 9.0, 0.6), _two_clumps(3)),
}

WEIGHTS: dict[str, MixingWeights] = {"fixed": FixedWeights()}

PAIRS = [(family, weights) for family in FAMILIES for weights in WEIGHTS]


def make(family: str, weights: str, k: int, n: int, seed: int) -> tuple[Mixture, np.ndarray]:
    """Return a mixture of k components and n points for it."""
    case = FAMILIES[family]
    return Mixture(case.prior, WEIGHTS[weights], k), case.data(np.random.default_rng(seed), n)
