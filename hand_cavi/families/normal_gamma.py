r"""Normal components of unknown mean and precision, feature by feature: no correlation within a component.

The story, for a component k and each feature d, with prior mean m0, precision scale beta0, shape a0
and rate b0::

    lambda_kd ~ Gamma(a0, rate b0_d)
    mu_kd | lambda_kd ~ N(m0_d, 1 / (beta0 lambda_kd))
    x_id | c_i = k ~ N(mu_kd, 1 / lambda_kd)

Writing out the square in log N(x | mu, 1/lambda) gives, feature by feature,

    phi(theta) = (lambda mu, -lambda/2, -sum_d lambda mu^2 / 2, sum_d ln(lambda) / 2)
    T(x)       = (x, x^2, 1, 1),                              log h(x) = -(D/2) ln 2 pi,

and the prior's exponent, sorted by the same phi, eta = (beta m, 2b + beta m^2, beta, 2a). What remains of
the prior's powers of lambda, sum_d -ln(lambda)/2, belongs to the measure. Integrating out mu, then
lambda, at b = (eta_2 - eta_1^2/eta_3)/2 and a = eta_4/2,

    log Z(eta) = sum_d [ ln Gamma(a) - a ln b_d + ln(2 pi)/2 - ln(beta)/2 ].

This is Bishop, PRML (2006), section 2.3.6, and the diagonal case of section 10.2: with D = 1 it is the
Normal-Wishart of `hand_cavi.families.normal_wishart` with a = nu/2 and b = W^-1/2.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, as_finite, as_positive
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.moments import Moments, diagonal, join, where_finite
from hand_cavi.numerics.special import digamma, gammaln, trigamma

_LN_2PI = np.log(2 * np.pi)
_EPSILON = np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class NormalGamma(ConjugateFamily):
    """lambda_d ~ Gamma(shape, rate_d), mu_d ~ N(mean_d, 1 / (precision_scale lambda_d)).

    Attributes
    ----------
    mean : ndarray, shape (D,); posterior (K, D)
        m, in units of x. A single number stands for every feature.
    precision_scale : ndarray, shape (); posterior (K,)
        beta: how many points the prior mean is worth.
    shape : ndarray, shape (); posterior (K,)
        a: half of how many points the prior precision is worth.
    rate : ndarray, shape (D,); posterior (K, D)
        b, in squared units of x. A single number stands for every feature.

    Raises
    ------
    InputError
        If anything but the mean is not above zero, anything is not finite, or shapes do not fit.
    """

    mean: np.ndarray
    precision_scale: np.ndarray
    shape: np.ndarray
    rate: np.ndarray

    name: ClassVar[str] = "normal_gamma"

    def __post_init__(self) -> None:
        mean = np.atleast_1d(as_finite(self.mean, "mean"))
        rate = np.atleast_1d(as_positive(self.rate, "rate"))
        precision_scale = as_positive(self.precision_scale, "precision_scale")
        shape = as_positive(self.shape, "shape")
        if mean.ndim == rate.ndim == 1 and 1 in (mean.size, rate.size):
            mean, rate = np.broadcast_arrays(mean, rate)
        leading = mean.shape[:-1]
        if mean.ndim > 2 or rate.shape != mean.shape or not precision_scale.shape == shape.shape == leading:
            raise InputError(
                f"mean {mean.shape}, precision_scale {precision_scale.shape}, shape {shape.shape} and "
                f"rate {rate.shape} do not fit; a prior takes a mean of (D,), one precision_scale, one shape "
                "and a rate of (D,)"
            )
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "precision_scale", precision_scale)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "rate", rate)

    @property
    def n_features(self) -> int:
        """D."""
        return self.mean.shape[-1]

    def with_features(self, n_features: int) -> Self:
        """Return the prior for D features; single numbers serve them all."""
        if self.n_features not in (1, n_features):
            raise InputError(
                f"the prior has {self.n_features} features but the data have {n_features}; "
                "give one number, or one per feature, as mean and as rate"
            )
        mean, rate = (np.broadcast_to(array, n_features) for array in (self.mean, self.rate))
        return type(self)(mean, self.precision_scale, self.shape, rate)

    def statistics(self, x: np.ndarray) -> np.ndarray:
        """T(x) = (x, x^2, 1, 1)."""
        return np.column_stack([x, x * x, np.ones((len(x), 2))])

    def products(self) -> np.ndarray:
        """T(x) = (x 1, x x, 1 1, 1 1)."""
        one, features = self.n_features, range(self.n_features)
        return np.array([*((d, one) for d in features), *((d, d) for d in features), (one, one), (one, one)])

    def log_base(self, x: np.ndarray) -> np.ndarray:
        """Log h(x) = -(D/2) ln 2 pi."""
        return np.full(len(x), -x.shape[1] / 2 * _LN_2PI)

    @cached_property
    def natural(self) -> np.ndarray:
        """Eta = (beta m, 2b + beta m^2, beta, 2a)."""
        beta, shape = self.precision_scale[..., np.newaxis], self.shape[..., np.newaxis]
        return np.concatenate(
            [beta * self.mean, 2 * self.rate + beta * self.mean**2, beta, 2 * shape], axis=-1
        )

    def from_natural(self, eta: np.ndarray) -> Self:
        """Return the Normal-Gamma with these natural parameters.

        With eta = eta_0 + sum_i r_ik T(x_i) the lines are PRML's 10.60 to 10.63, feature by feature.
        """
        return type(self)(*_standard(eta))

    def log_partition(self, eta: np.ndarray) -> np.ndarray:
        """Log Z = sum_d [ln Gamma(a) - a ln b_d + ln(2 pi)/2 - ln(beta)/2]."""
        mean, beta, shape, rate = _standard(eta)
        per_feature = gammaln(shape) + _LN_2PI / 2 - np.log(beta) / 2
        return mean.shape[-1] * per_feature - shape * np.log(rate).sum(axis=-1)

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """E[phi] = (m a/b, -(a/b)/2, -sum_d (1/beta + m^2 a/b)/2, sum_d (psi(a) - ln b)/2)."""
        mean, beta, shape, rate = _standard(eta)
        beta, shape = beta[..., np.newaxis], shape[..., np.newaxis]
        precision = shape / rate  # E[lambda]
        square = np.sum(
            1 / beta + mean**2 * precision, axis=-1, keepdims=True
        )  # E[lambda mu^2], cf. PRML 10.64
        log_precision = np.sum(
            digamma(shape) - np.log(rate), axis=-1, keepdims=True
        )  # E[ln lambda], PRML 10.65
        return np.concatenate([mean * precision, -precision / 2, -square / 2, log_precision / 2], axis=-1)

    def covariance(self, eta: np.ndarray) -> np.ndarray:
        """Cov[phi] = E[Cov[phi | lambda]] + Cov[E[phi | lambda]], feature by feature.

        Given lambda, mu = m + e with e of variance 1/(beta lambda): phi moves by lambda e (1, 0, -m, 0), and
        its third entry by -lambda e^2/2 besides, of variance 1/(2 beta^2). The conditional means are linear
        in lambda and ln(lambda), see `_by_precision`.
        """
        mean, beta, shape, rate = _standard(eta)
        by_precision, of_precision = _by_precision(mean), _covariance_of_precision(shape, rate)
        zero = np.zeros_like(mean)
        moved = np.stack([np.ones_like(mean), zero, -mean, zero], axis=-1)  # (..., D, 4)
        size = (shape / beta)[..., np.newaxis] / rate  # E[lambda] / beta
        features = size[..., np.newaxis, np.newaxis] * moved[..., :, np.newaxis] * moved[..., np.newaxis, :]
        features[..., 2, 2] += 1 / (2 * beta[..., np.newaxis] ** 2)
        features += by_precision @ of_precision @ np.swapaxes(by_precision, -1, -2)
        places = _places(mean.shape[-1])
        return np.einsum("...dab,dap,dbq->...pq", features, places, places)

    def phi(self, draws: Draws) -> np.ndarray:
        """Phi = (lambda mu, -lambda/2, -sum_d lambda mu^2/2, sum_d ln(lambda)/2), shape (S, K, 2D + 2)."""
        mu, precision = draws["mu"], draws["precision"]
        square = np.sum(precision * mu * mu, axis=-1, keepdims=True)
        log_precision = np.sum(np.log(precision), axis=-1, keepdims=True)
        return np.concatenate([precision * mu, -precision / 2, -square / 2, log_precision / 2], axis=-1)

    def log_measure(self, draws: Draws) -> np.ndarray:
        """Return the left-over -sum_d ln(lambda)/2: densities are against Lebesgue in (mu, lambda)."""
        return -np.log(draws["precision"]).sum(axis=-1) / 2

    def mean_draw(self) -> Draws:
        """Return `mu` and `precision` at their means, shape (K, D)."""
        return {"mu": self.mean, "precision": self.shape[..., np.newaxis] / self.rate}

    def moments(self, coordinates: Coordinates) -> Moments:
        """Of `mu` and `precision`: Var[mu] = b/(beta (a - 1)) if a > 1, Var[lambda] = a/b^2, uncorrelated."""
        precision = Moments(
            {"precision": (self.n_features,)},
            self.shape[..., np.newaxis] / self.rate / coordinates.scale**2,
            diagonal(self.shape[..., np.newaxis] / self.rate**2 / coordinates.scale**4),
            self._with_precision(0) / coordinates.scale[:, np.newaxis] ** 2,
        )
        return join(self._moments_of_mu(coordinates), precision)

    def free_moments(self, coordinates: Coordinates) -> Moments:
        """Of `mu` and ln `precision`: E = psi(a) - ln b, Var = psi'(a)."""
        shape = self.shape[..., np.newaxis]
        log_precision = Moments(
            {"precision": (self.n_features,)},
            digamma(shape) - np.log(self.rate) - 2 * np.log(coordinates.scale),
            diagonal(np.broadcast_to(trigamma(shape), self.rate.shape)),
            self._with_precision(1),
        )
        return join(self._moments_of_mu(coordinates), log_precision)

    def _moments_of_mu(self, coordinates: Coordinates) -> Moments:
        """E = eta_1/eta_3: d E/d eta_1 = I/beta, d E/d eta_3 = -m/beta."""
        beta, scale, identity = self.precision_scale, coordinates.scale, np.eye(self.n_features)
        excess = self.shape - 1
        variance = self.rate / (beta * np.where(excess > 0, excess, 1.0))[..., np.newaxis]
        slope = np.zeros((*self.mean.shape, 2 * self.n_features + 2))
        slope[..., : self.n_features] = identity
        slope[..., -2] = -self.mean
        return Moments(
            {"mu": (self.n_features,)},
            coordinates.inverse.apply(self.mean),
            where_finite(excess > 0, diagonal(variance * scale**2)),
            slope * scale[:, np.newaxis] / beta[..., np.newaxis, np.newaxis],
        )

    def _with_precision(self, which: int) -> np.ndarray:
        """Return Cov[lambda, phi] (0) or Cov[ln lambda, phi] (1), shape (..., D, P)."""
        own = _covariance_of_precision(self.shape, self.rate)[..., which, :]  # (..., D, 2)
        features = np.einsum("...dab,...db->...da", _by_precision(self.mean), own)
        return np.einsum("...da,dap->...dp", features, _places(self.n_features))

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `mu` and `precision`, shape (n, K, D)."""
        beta, shape = self.precision_scale[..., np.newaxis], self.shape[..., np.newaxis]
        gamma = rng.standard_gamma(np.broadcast_to(shape, self.rate.shape), size=(n, *self.rate.shape))
        precision = np.maximum(gamma / self.rate, np.finfo(float).tiny)  # no precision underflows to 0
        mu = self.mean + rng.standard_normal(precision.shape) / np.sqrt(beta * precision)
        return {"mu": mu, "precision": precision}

    def sample_data(self, rng: np.random.Generator, draws: Draws, assignments: np.ndarray) -> np.ndarray:
        """Return x_id ~ N(mu_d, 1/lambda_d), shape (N, D), for one draw, arrays (K, D)."""
        mu, precision = draws["mu"][assignments], draws["precision"][assignments]
        return mu + rng.standard_normal(mu.shape) / np.sqrt(precision)

    def coordinates(self, x: np.ndarray, weight: np.ndarray) -> Coordinates:
        """Centre and scale every feature."""
        return Coordinates.standardising(x, weight, self.mean, np.sqrt(self.rate / self.shape))

    def seen_from(self, coordinates: Coordinates) -> Self:
        """Return the same distribution for x' = (x - shift) / scale: lambda' = scale^2 lambda."""
        return type(self)(
            coordinates.apply(self.mean),
            self.precision_scale,
            self.shape,
            self.rate / coordinates.scale / coordinates.scale,
        )

    def draws_seen_from(self, coordinates: Coordinates, draws: Draws) -> tuple[Draws, float]:
        """Return mu', lambda', and log |d(mu', lambda')/d(mu, lambda)| = sum_d (2 - 1) ln scale_d."""
        inner = {
            "mu": coordinates.apply(draws["mu"]),
            "precision": draws["precision"] * coordinates.scale * coordinates.scale,
        }
        return {**draws, **inner}, coordinates.log_volume


def _by_precision(mean: np.ndarray) -> np.ndarray:
    """Return E[phi_d | lambda_d] by (lambda_d, ln lambda_d), (..., D, 4, 2): (m, -1/2, -m^2/2, 1/2)."""
    matrix = np.zeros((*mean.shape, 4, 2))
    matrix[..., 0, 0], matrix[..., 1, 0], matrix[..., 2, 0] = mean, -0.5, -(mean**2) / 2
    matrix[..., 3, 1] = 0.5
    return matrix


def _covariance_of_precision(shape: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return the covariance of (lambda_d, ln lambda_d), (..., D, 2, 2): a/b^2, 1/b, psi'(a)."""
    matrix = np.empty((*rate.shape, 2, 2))
    matrix[..., 0, 0] = shape[..., np.newaxis] / rate**2
    matrix[..., 0, 1] = matrix[..., 1, 0] = 1 / rate
    matrix[..., 1, 1] = trigamma(shape)[..., np.newaxis]
    return matrix


def _places(n_features: int) -> np.ndarray:
    """Return where a feature's four statistics lie in phi, as 0 and 1: (D, 4, P); the last two are sums."""
    places, feature = np.zeros((n_features, 4, 2 * n_features + 2)), np.arange(n_features)
    places[feature, 0, feature] = places[feature, 1, n_features + feature] = 1
    places[:, 2, -2] = places[:, 3, -1] = 1
    return places


def _standard(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return mean (..., D), precision_scale (...), shape (...), rate (..., D) of eta (..., 2D + 2)."""
    n_features = (eta.shape[-1] - 2) // 2
    eta_1, eta_2 = eta[..., :n_features], eta[..., n_features:-2]
    beta, nu = eta[..., -2], eta[..., -1]
    mean = eta_1 / beta[..., np.newaxis]
    rounding = _EPSILON * eta_2  # what is left of a rate that cancels altogether
    rate = np.maximum(eta_2 - eta_1 * mean, rounding) / 2
    return mean, beta, nu / 2, rate
