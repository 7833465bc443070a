r"""Normal components as wide in one direction as in any other, of unknown mean and precision.

What scikit-learn calls ``"spherical"``. The story, for a component k of D features::

    lambda_k ~ Gamma(a0, rate b0)
    mu_k | lambda_k ~ N(m0, I / (beta0 lambda_k))
    x_i | c_i = k ~ N(mu_k, I / lambda_k)

One precision serves all features, so that writing out the square in log N(x | mu, I/lambda) gives

    phi(theta) = (lambda mu, -lambda/2, -lambda |mu|^2 / 2, D ln(lambda) / 2)
    T(x)       = (x, |x|^2, 1, 1),                            log h(x) = -(D/2) ln 2 pi,

the prior's eta = (beta m, 2b + beta |m|^2, beta, 2a/D), with (D/2 - 1) ln(lambda) left to the measure, and

    log Z(eta) = ln Gamma(a) - a ln b + (D/2) ln(2 pi) - (D/2) ln(beta).

With D = 1 it is `hand_cavi.families.normal_gamma` (Bishop, PRML (2006), section 2.3.6).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, as_finite, as_positive
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.special import digamma, gammaln, trigamma

_LN_2PI = np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class SphericalNormalGamma(ConjugateFamily):
    """lambda ~ Gamma(shape, rate), mu ~ N(mean, I / (precision_scale lambda)).

    Attributes
    ----------
    mean : ndarray, shape (D,); posterior (K, D)
        m, in units of x.
    precision_scale : ndarray, shape (); posterior (K,)
        beta: how many points the prior mean is worth.
    shape, rate : ndarray, shape (); posterior (K,)
        a, and b in squared units of x.

    Raises
    ------
    InputError
        If anything but the mean is not above zero, anything is not finite, or shapes do not fit.
    """

    mean: np.ndarray
    precision_scale: np.ndarray
    shape: np.ndarray
    rate: np.ndarray

    name: ClassVar[str] = "spherical"

    def __post_init__(self) -> None:
        mean = np.atleast_1d(as_finite(self.mean, "mean"))
        others = {
            name: as_positive(getattr(self, name), name) for name in ("precision_scale", "shape", "rate")
        }
        if mean.ndim > 2 or any(array.shape != mean.shape[:-1] for array in others.values()):
            shapes = ", ".join(f"{name} {array.shape}" for name, array in others.items())
            raise InputError(
                f"mean {mean.shape}, {shapes} do not fit; a prior takes a mean of (D,) and a number each"
            )
        for name, array in {"mean": mean, **others}.items():
            object.__setattr__(self, name, array)

    @property
    def n_features(self) -> int:
        """D."""
        return self.mean.shape[-1]

    def with_features(self, n_features: int) -> Self:
        """Return the prior, which is for D features."""
        if self.n_features != n_features:
            raise InputError(f"the prior has {self.n_features} features but the data have {n_features}")
        return self

    def statistics(self, x: np.ndarray) -> np.ndarray:
        """T(x) = (x, |x|^2, 1, 1)."""
        return np.column_stack([x, np.sum(x * x, axis=1), np.ones((len(x), 2))])

    def log_base(self, x: np.ndarray) -> np.ndarray:
        """Log h(x) = -(D/2) ln 2 pi."""
        return np.full(len(x), -x.shape[1] / 2 * _LN_2PI)

    @cached_property
    def natural(self) -> np.ndarray:
        """Eta = (beta m, 2b + beta |m|^2, beta, 2a/D)."""
        beta = self.precision_scale
        square = 2 * self.rate + beta * np.sum(self.mean**2, axis=-1)
        counts = np.stack([square, beta, 2 * self.shape / self.n_features], axis=-1)
        return np.concatenate([beta[..., np.newaxis] * self.mean, counts], axis=-1)

    def from_natural(self, eta: np.ndarray) -> Self:
        """Return the distribution with these natural parameters."""
        return type(self)(*_standard(eta))

    def log_partition(self, eta: np.ndarray) -> np.ndarray:
        """Log Z = ln Gamma(a) - a ln b + (D/2) ln(2 pi) - (D/2) ln(beta)."""
        mean, beta, shape, rate = _standard(eta)
        return gammaln(shape) - shape * np.log(rate) + mean.shape[-1] / 2 * (_LN_2PI - np.log(beta))

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """E[phi] = (m a/b, -(a/b)/2, -(D/beta + |m|^2 a/b)/2, D (psi(a) - ln b)/2)."""
        mean, beta, shape, rate = _standard(eta)
        n_features, precision = mean.shape[-1], shape / rate  # E[lambda]
        square = n_features / beta + np.sum(mean**2, axis=-1) * precision
        log_precision = n_features * (digamma(shape) - np.log(rate))
        rest = np.stack([-precision / 2, -square / 2, log_precision / 2], axis=-1)
        return np.concatenate([mean * precision[..., np.newaxis], rest], axis=-1)

    def covariance(self, eta: np.ndarray) -> np.ndarray:
        """Cov[phi] = E[Cov[phi | lambda]] + Cov[E[phi | lambda]].

        Given lambda, mu = m + e with e of variance 1/(beta lambda) in every feature: phi moves by
        lambda (e, 0, -m.e - |e|^2/2, 0), the last of variance D/(2 beta^2) beside that of m.e. Conditional
        means are linear in lambda and ln(lambda), whose covariances are a/b^2, 1/b and psi'(a).
        """
        mean, beta, shape, rate = _standard(eta)
        n_features = mean.shape[-1]
        moved = np.zeros((*mean.shape, n_features + 3))
        moved[..., np.arange(n_features), np.arange(n_features)] = 1.0
        moved[..., n_features + 1] = -mean
        size = (shape / rate / beta)[..., np.newaxis, np.newaxis]  # E[lambda] / beta
        found = size * np.swapaxes(moved, -1, -2) @ moved
        found[..., -2, -2] += n_features / (2 * beta**2)
        slopes = np.zeros((*mean.shape[:-1], n_features + 3, 2))
        slopes[..., :n_features, 0], slopes[..., -3, 0] = mean, -0.5
        slopes[..., -2, 0], slopes[..., -1, 1] = -np.sum(mean**2, axis=-1) / 2, n_features / 2
        both = np.stack([shape / rate**2, 1 / rate, 1 / rate, trigamma(shape)], axis=-1)
        return found + slopes @ both.reshape(*shape.shape, 2, 2) @ np.swapaxes(slopes, -1, -2)

    def phi(self, draws: Draws) -> np.ndarray:
        """Phi = (lambda mu, -lambda/2, -lambda |mu|^2/2, D ln(lambda)/2), shape (S, K, D + 3)."""
        mu, precision = draws["mu"], draws["precision"][..., :1]
        square = np.sum(mu * mu, axis=-1, keepdims=True)
        rest = [-precision / 2, -precision * square / 2, mu.shape[-1] * np.log(precision) / 2]
        return np.concatenate([precision * mu, *rest], axis=-1)

    def log_measure(self, draws: Draws) -> np.ndarray:
        """Return the left-over (D/2 - 1) ln(lambda): densities are against Lebesgue in (mu, lambda)."""
        return (self.n_features / 2 - 1) * np.log(draws["precision"][..., 0])

    def mean_draw(self) -> Draws:
        """Return `mu` and `precision` at their means, shape (K, D)."""
        precision = (self.shape / self.rate)[..., np.newaxis]
        return {"mu": self.mean, "precision": np.broadcast_to(precision, self.mean.shape).copy()}

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `mu` and `precision`, shape (n, K, D); the D precisions are one."""
        gamma = rng.standard_gamma(self.shape, size=(n, *self.shape.shape)) / self.rate
        precision = np.maximum(gamma, np.finfo(float).tiny)[..., np.newaxis]
        noise = rng.standard_normal((n, *self.mean.shape))
        mu = self.mean + noise / np.sqrt(self.precision_scale[..., np.newaxis] * precision)
        return {"mu": mu, "precision": np.broadcast_to(precision, mu.shape).copy()}

    def sample_data(self, rng: np.random.Generator, draws: Draws, assignments: np.ndarray) -> np.ndarray:
        """Return x_i ~ N(mu, I/lambda), shape (N, D), for one draw, arrays (K, D)."""
        mu, precision = draws["mu"][assignments], draws["precision"][assignments]
        return mu + rng.standard_normal(mu.shape) / np.sqrt(precision)

    def coordinates(self, x: np.ndarray, weight: np.ndarray) -> Coordinates:
        """Centre every feature, and scale all of them alike."""
        floor = np.full(self.n_features, np.sqrt(self.rate / self.shape))
        each = Coordinates.standardising(x, weight, self.mean, floor)
        return Coordinates(each.shift, np.full(self.n_features, each.scale.max()))

    def seen_from(self, coordinates: Coordinates) -> Self:
        """Return the same distribution for x' = (x - shift) / scale: lambda' = scale^2 lambda."""
        scale = coordinates.scale[0]
        mean = coordinates.apply(self.mean)
        return type(self)(mean, self.precision_scale, self.shape, self.rate / scale / scale)

    def draws_seen_from(self, coordinates: Coordinates, draws: Draws) -> tuple[Draws, float]:
        """Return mu', lambda', and log |d(mu', lambda')/d(mu, lambda)| = (2 - D) ln scale."""
        scale = coordinates.scale[0]
        inner = {"mu": coordinates.apply(draws["mu"]), "precision": draws["precision"] * scale * scale}
        return {**draws, **inner}, (2 - self.n_features) * float(np.log(scale))


def _standard(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return mean (..., D), precision_scale, shape and rate (...) of eta (..., D + 3)."""
    n_features = eta.shape[-1] - 3
    eta_1, eta_2, beta, nu = eta[..., :n_features], eta[..., -3], eta[..., -2], eta[..., -1]
    mean = eta_1 / beta[..., np.newaxis]
    rounding = np.finfo(float).eps * eta_2  # what is left of a rate that cancels altogether
    rate = np.maximum(eta_2 - np.sum(eta_1 * mean, axis=-1), rounding) / 2
    return mean, beta, nu * n_features / 2, rate
