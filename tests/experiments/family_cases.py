"""One small problem of every family, for the tests of configuration, figures, formulas and summaries."""

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

WEIGHTS = {"fixed": FixedWeights(), "dirichlet": DirichletWeights(1.5), "stick_breaking": StickBreaking(1.2)}
PRIORS = {
    "normal_known_variance": NormalKnownVariance([0.0, 1.0], 9.0, 0.5),
    "normal_gamma": NormalGamma([0.0, 1.0], 0.1, 2.5, [1.0, 2.0]),
    "normal_wishart": NormalWishart([0.0, 1.0], 0.1, 5.0, [[2.0, 0.5], [0.5, 1.0]]),
    "gamma_poisson": GammaPoisson([1.0, 2.0], [0.2, 0.3]),
    "dirichlet_categorical": DirichletCategorical([[1.0, 2.0, 1.0], [1.0, 1.0, 1.0]]),
}
FAMILIES = list(PRIORS)


def data_of(family: str, n: int = 40, seed: int = 3) -> np.ndarray:
    """Return points of two components of a family, shape (n, 2)."""
    rng = np.random.default_rng(seed)
    first = np.arange(n) < n // 2
    if family == "gamma_poisson":
        return rng.poisson(np.where(first[:, np.newaxis], [2.0, 9.0], [8.0, 1.0])).astype(float)
    if family == "dirichlet_categorical":
        shares = np.where(first[:, np.newaxis], [0.8, 0.1, 0.1], [0.1, 0.2, 0.7])
        return np.stack([[rng.choice(3, p=p) for p in shares] for _ in range(2)], axis=1).astype(float)
    centre = np.where(first[:, np.newaxis], [-2.0, -1.0], [2.0, 3.0])
    return centre + 0.7 * rng.standard_normal((n, 2))
