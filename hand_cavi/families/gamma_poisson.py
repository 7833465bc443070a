r"""Counts: Poisson features with unknown rates, independent within a component.

The story, for a component k and each feature d, with prior shape a0 and rate b0::

    rate_kd ~ Gamma(a0_d, rate b0_d)
    x_id | c_i = k ~ Poisson(rate_kd)

From log Poisson(x | rate) = x ln(rate) - rate - ln x! one reads off, feature by feature,

    phi(theta) = (ln rate, -rate),     T(x) = (x, 1),     log h(x) = -sum_d ln x_d!.

A Gamma density is rate^(a-1) exp(-b rate) but for its constant, so eta = (a, b), the left-over -ln(rate)
belongs to the measure, and

    log Z(eta) = sum_d [ ln Gamma(a_d) - a_d ln b_d ].

The update adds N_k's points to b and their sum to a; the predictive density is negative binomial.
Source: Gelman et al., Bayesian Data Analysis (3rd edition, 2013), section 2.6.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, as_positive
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.moments import Moments, diagonal
from hand_cavi.numerics.special import digamma, gammaln, trigamma

_MOST = 2.0**53
"""Up to here float64 holds every whole number."""


@dataclass(frozen=True, eq=False)
class GammaPoisson(ConjugateFamily):
    """rate_d ~ Gamma(shape_d, rate_d), with x_d | rate_d ~ Poisson(rate_d).

    Attributes
    ----------
    shape : ndarray, shape (D,); posterior (K, D)
        a: the prior's total count. A single number stands for every feature.
    rate : ndarray, shape (D,); posterior (K, D)
        b: how many points the prior is worth. A single number stands for every feature.

    Raises
    ------
    InputError
        If anything is not a finite number above zero, or shapes do not fit.
    """

    shape: np.ndarray
    rate: np.ndarray

    name: ClassVar[str] = "gamma_poisson"
    discrete: ClassVar[bool] = True

    def __post_init__(self) -> None:
        shape = np.atleast_1d(as_positive(self.shape, "shape"))
        rate = np.atleast_1d(as_positive(self.rate, "rate"))
        if shape.ndim == rate.ndim == 1 and 1 in (shape.size, rate.size):
            shape, rate = np.broadcast_arrays(shape, rate)
        if shape.ndim > 2 or rate.shape != shape.shape:
            raise InputError(
                f"shape {shape.shape} and rate {rate.shape} do not fit; "
                "a prior takes one number, or one per feature, for each"
            )
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "rate", rate)

    @property
    def n_features(self) -> int:
        """D."""
        return self.shape.shape[-1]

    def with_features(self, n_features: int) -> Self:
        """Return the prior for D features; single numbers serve them all."""
        if self.n_features not in (1, n_features):
            raise InputError(
                f"the prior has {self.n_features} features but the data have {n_features}; "
                "give one number, or one per feature, as shape and as rate"
            )
        return type(self)(*(np.broadcast_to(array, n_features) for array in (self.shape, self.rate)))

    def check_data(self, x: np.ndarray) -> None:
        """Refuse what is no count."""
        bad = (x < 0) | (x != np.floor(x)) | (x > _MOST)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise InputError(
                f"the data hold {x[row, column]:g} in row {row}, column {column} (counted from 0); "
                "gamma_poisson is for counts: whole numbers, not negative, and at most 2^53"
            )

    def landmarks(self, x: np.ndarray) -> np.ndarray:
        """Return square roots, whose noise is alike whatever the rate (Bartlett 1936)."""
        return np.sqrt(x)

    def statistics(self, x: np.ndarray) -> np.ndarray:
        """T(x) = (x, 1), with a 1 for each feature."""
        return np.concatenate([x, np.ones_like(x)], axis=1)

    def products(self) -> np.ndarray:
        """T(x) = (x 1, 1 1), with a 1 for each feature."""
        one = self.n_features
        return np.array([*((d, one) for d in range(one)), *[(one, one)] * one])

    def log_base(self, x: np.ndarray) -> np.ndarray:
        """Log h(x) = -sum_d ln x_d!."""
        return -gammaln(x + 1).sum(axis=1)

    @cached_property
    def natural(self) -> np.ndarray:
        """Eta = (a, b)."""
        return np.concatenate([self.shape, self.rate], axis=-1)

    def from_natural(self, eta: np.ndarray) -> Self:
        """Return the Gammas with these natural parameters.

        With eta = eta_0 + sum_i r_ik T(x_i): a_k = a_0 + sum_i r_ik x_i, b_k = b_0 + N_k.
        """
        return type(self)(*_standard(eta))

    def log_partition(self, eta: np.ndarray) -> np.ndarray:
        """Log Z = sum_d [ln Gamma(a_d) - a_d ln b_d]."""
        shape, rate = _standard(eta)
        return np.sum(gammaln(shape) - shape * np.log(rate), axis=-1)

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """E[phi] = (psi(a) - ln b, -a/b)."""
        shape, rate = _standard(eta)
        return np.concatenate([digamma(shape) - np.log(rate), -shape / rate], axis=-1)

    def covariance(self, eta: np.ndarray) -> np.ndarray:
        """Var[ln rate] = psi'(a), Cov[ln rate, -rate] = -1/b, Var[rate] = a/b^2, feature by feature."""
        shape, rate = _standard(eta)
        return np.block(
            [
                [diagonal(trigamma(shape)), diagonal(-1 / rate)],
                [diagonal(-1 / rate), diagonal(shape / rate**2)],
            ]
        )

    def phi(self, draws: Draws) -> np.ndarray:
        """Phi(rate) = (ln rate, -rate), shape (S, K, 2D)."""
        return np.concatenate([np.log(draws["rate"]), -draws["rate"]], axis=-1)

    def log_measure(self, draws: Draws) -> np.ndarray:
        """Return the left-over -sum_d ln(rate): densities are against Lebesgue measure in the rates."""
        return -np.log(draws["rate"]).sum(axis=-1)

    def mean_draw(self) -> Draws:
        """Return `rate` at its mean, a/b, shape (K, D)."""
        return {"rate": self.shape / self.rate}

    def moments(self, coordinates: Coordinates) -> Moments:
        """Of `rate`: it is a statistic itself, so that its covariances are rows of Hess log Z."""
        variance, per_rate = diagonal(self.shape / self.rate**2), diagonal(1 / self.rate)
        slope = np.concatenate([per_rate, -variance], axis=-1)
        return Moments({"rate": (self.n_features,)}, self.shape / self.rate, variance, slope)

    def free_moments(self, coordinates: Coordinates) -> Moments:
        """Of ln `rate`: a statistic itself."""
        variance = diagonal(trigamma(self.shape))
        slope = np.concatenate([variance, diagonal(-1 / self.rate)], axis=-1)
        mean = digamma(self.shape) - np.log(self.rate)
        return Moments({"rate": (self.n_features,)}, mean, variance, slope)

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `rate`, shape (n, K, D)."""
        gamma = rng.standard_gamma(self.shape, size=(n, *self.shape.shape))
        return {"rate": np.maximum(gamma / self.rate, np.finfo(float).tiny)}  # no rate underflows to 0

    def sample_data(self, rng: np.random.Generator, draws: Draws, assignments: np.ndarray) -> np.ndarray:
        """Return x_id ~ Poisson(rate_d), shape (N, D), for one draw of `rate`, shape (K, D)."""
        return rng.poisson(draws["rate"][assignments]).astype(np.float64)


def _standard(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shape and rate, both (..., D), of eta (..., 2D)."""
    n_features = eta.shape[-1] // 2
    return eta[..., :n_features], eta[..., n_features:]
