"""What ADVI fits: a Gaussian in the model's unconstrained coordinates, in plain numpy.

u ~ N(m, L L'),    theta = g(u),    log q(theta) = log N(u; m, L L') - log |det dg/du|

Kucukelbir, Tran, Ranganath, Gelman & Blei (2017), sections 2.4 and 2.5. Mean-field ADVI has a diagonal L.
Letters: S draws, P unconstrained numbers.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from ppl_baselines.unconstrained import Approximation, Coordinates


@dataclass(frozen=True)
class GaussianApproximation(Approximation):
    """A Gaussian q, with the way from its coordinates to the canonical variables. It can be pickled.

    Attributes
    ----------
    mean : ndarray, shape (P,)
        m.
    factor : ndarray, shape (P, P)
        L, lower triangular with a positive diagonal.
    coordinates : Coordinates
        g, by variable.
    maximises : bool
        Whether F was maximised over all m, and all L with these entries beside 0: steps from an optimum of
        another kind, such as a Laplace approximation, may well gain.
    """

    mean: np.ndarray
    factor: np.ndarray
    coordinates: Coordinates
    maximises: bool = True

    @property
    def finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        return bool(np.isfinite(self.mean).all() and np.isfinite(self.factor).all())

    def sample_unconstrained(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return u = m + L z with z ~ N(0, I), shape (n, P)."""
        return self.mean + rng.standard_normal((n, self.mean.size)) @ self.factor.T

    def log_density_unconstrained(self, u: np.ndarray) -> np.ndarray:
        """Return log N(u; m, L L'), shape (S,), at u of shape (S, P)."""
        z = solve_triangular(self.factor, (u - self.mean).T, lower=True)  # (P, S)
        log_determinant = np.log(np.diag(self.factor)).sum()
        return -0.5 * (z**2).sum(axis=0) - log_determinant - 0.5 * self.mean.size * np.log(2 * np.pi)
