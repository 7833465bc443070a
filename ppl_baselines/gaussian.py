"""What ADVI fits: a Gaussian in the model's unconstrained coordinates, in plain numpy.

u ~ N(m, L L'),    theta = g(u),    log q(theta) = log N(u; m, L L') - log |det dg/du|

Kucukelbir, Tran, Ranganath, Gelman & Blei (2017), sections 2.4 and 2.5. Mean-field ADVI has a diagonal L.
Letters: S draws, P unconstrained numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from ppl_baselines.unconstrained import Coordinates


@dataclass(frozen=True)
class GaussianApproximation:
    """A Gaussian q, with the way from its coordinates to the canonical variables. It can be pickled.

    Attributes
    ----------
    mean : ndarray, shape (P,)
        m.
    factor : ndarray, shape (P, P)
        L, lower triangular with a positive diagonal.
    coordinates : Coordinates
        g, by variable.
    """

    mean: np.ndarray
    factor: np.ndarray
    coordinates: Coordinates

    def sample(self, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n canonical draws, each variable of shape (n, ...)."""
        return self.coordinates.constrain(self.sample_unconstrained(rng, n))

    def log_density(self, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return log q(theta), shape (S,), at canonical draws, the Jacobian included."""
        u = self.coordinates.unconstrain(draws)
        return self.log_density_unconstrained(u) - self.coordinates.log_jacobian(u)

    def sample_unconstrained(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return u = m + L z with z ~ N(0, I), shape (n, P)."""
        return self.mean + rng.standard_normal((n, self.mean.size)) @ self.factor.T

    def log_density_unconstrained(self, u: np.ndarray) -> np.ndarray:
        """Return log N(u; m, L L'), shape (S,), at u of shape (S, P)."""
        z = solve_triangular(self.factor, (u - self.mean).T, lower=True)  # (P, S)
        log_determinant = np.log(np.diag(self.factor)).sum()
        return -0.5 * (z**2).sum(axis=0) - log_determinant - 0.5 * self.mean.size * np.log(2 * np.pi)
