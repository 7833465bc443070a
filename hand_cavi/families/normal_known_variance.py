r"""Normal components whose noise variance is known: the textbook's family.

The story, for a component k of D features, with prior mean m0 and noise variance s::

    mu_k ~ N(m0, v I)
    x_i | c_i = k ~ N(mu_k, s I)

Writing out the squares gives phi(theta) = (mu/s, -|mu|^2/(2s)) against T(x) = (x, 1), with
log h(x) = -(D/2) ln(2 pi s) - |x|^2/(2s). The prior in the same form has eta_0 = (s m0/v, s/v), and
completing the square in exp(< eta, phi >) gives the log partition

    log Z(eta) = |eta_1|^2 / (2 s eta_2) + (D/2) ln(2 pi s / eta_2),

so that q(mu_k) is normal with mean eta_1/eta_2 and variance s/eta_2. With D = 1, s = 1, m0 = 0 and
v = sigma^2 this is the mixture of Blei, Kucukelbir & McAuliffe (2017), section 3.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, as_finite, as_positive
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.moments import Moments, diagonal


@dataclass(frozen=True, eq=False)
class NormalKnownVariance(ConjugateFamily):
    """mu ~ N(mean, variance I), with x | mu ~ N(mu, noise_variance I).

    Attributes
    ----------
    mean : ndarray, shape (D,); posterior (K, D)
        m0, in units of x. A single number stands for every feature.
    variance : ndarray, shape (); posterior (K,)
        v (the textbook's sigma^2; posterior s_k^2), in squared units of x.
    noise_variance : float
        s, in squared units of x; known.

    Raises
    ------
    InputError
        If a variance is not above zero or anything is not finite.
    """

    mean: np.ndarray
    variance: np.ndarray
    noise_variance: float = 1.0

    name: ClassVar[str] = "normal_known_variance"

    def __post_init__(self) -> None:
        mean = np.atleast_1d(as_finite(self.mean, "mean"))
        variance = as_positive(self.variance, "variance")
        noise = as_positive(self.noise_variance, "noise_variance")
        if mean.ndim > 2 or variance.shape != mean.shape[:-1] or noise.ndim:
            raise InputError(
                f"mean {mean.shape}, variance {variance.shape} and noise_variance {noise.shape} do not fit; "
                "a prior takes a mean of (D,), one variance and one noise_variance"
            )
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "variance", variance)
        object.__setattr__(self, "noise_variance", float(noise))

    @property
    def n_features(self) -> int:
        """D."""
        return self.mean.shape[-1]

    def with_features(self, n_features: int) -> Self:
        """Return the prior for D features; a single prior mean serves them all."""
        if self.n_features not in (1, n_features):
            raise InputError(
                f"the prior mean has {self.n_features} features but the data have {n_features}; "
                "give one number, or one per feature"
            )
        return type(self)(np.broadcast_to(self.mean, n_features), self.variance, self.noise_variance)

    def statistics(self, x: np.ndarray) -> np.ndarray:
        """T(x) = (x, 1)."""
        return np.column_stack([x, np.ones(len(x))])

    def products(self) -> np.ndarray:
        """T(x) = (x 1, 1 1)."""
        one = self.n_features
        return np.array([*((d, one) for d in range(one)), (one, one)])

    def log_base(self, x: np.ndarray) -> np.ndarray:
        """Log h(x) = -(D/2) ln(2 pi s) - |x|^2 / (2s)."""
        s = self.noise_variance
        return -x.shape[1] / 2 * np.log(2 * np.pi * s) - np.einsum("nd,nd->n", x, x) / (2 * s)

    @cached_property
    def natural(self) -> np.ndarray:
        """Eta = (s m/v, s/v)."""
        ratio = np.asarray(self.noise_variance / self.variance)[..., np.newaxis]
        return np.concatenate([ratio * self.mean, ratio], axis=-1)

    def from_natural(self, eta: np.ndarray) -> Self:
        """Return the normal with these natural parameters.

        With eta = eta_0 + sum_i r_ik T(x_i), D = 1, s = 1, m0 = 0 and v = sigma^2, the two lines
        are the textbook's update (Blei et al. 2017, equations 33 and 34).
        """
        eta_1, eta_2 = eta[..., :-1], eta[..., -1]
        variance = self.noise_variance / eta_2  # s_k^2 = 1 / (1/sigma^2 + sum_i r_ik)
        mean = eta_1 / eta_2[..., np.newaxis]  # m_k = s_k^2 sum_i r_ik x_i
        return type(self)(mean, variance, self.noise_variance)

    def log_partition(self, eta: np.ndarray) -> np.ndarray:
        """Log Z = |eta_1|^2 / (2 s eta_2) + (D/2) ln(2 pi s / eta_2)."""
        s, eta_1, eta_2 = self.noise_variance, eta[..., :-1], eta[..., -1]
        n_features = eta_1.shape[-1]
        square = np.sum(eta_1 * eta_1, axis=-1)
        return square / (2 * s * eta_2) + n_features / 2 * np.log(2 * np.pi * s / eta_2)

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """E[phi] = (m/s, -(|m|^2 + D s_k^2) / (2s))."""
        s, eta_2 = self.noise_variance, eta[..., -1:]
        mean, variance = eta[..., :-1] / eta_2, s / eta_2
        n_features = mean.shape[-1]
        second = np.sum(mean * mean, axis=-1, keepdims=True) + n_features * variance
        return np.concatenate([mean / s, -second / (2 * s)], axis=-1)

    def covariance(self, eta: np.ndarray) -> np.ndarray:
        """Return Cov[phi], from Cov[mu, |mu|^2] = 2 m s_k^2 and Var[|mu|^2] = 4 |m|^2 s_k^2 + 2 D s_k^4."""
        s, eta_2 = self.noise_variance, eta[..., -1]
        mean, variance = eta[..., :-1] / eta_2[..., np.newaxis], s / eta_2
        n_features = mean.shape[-1]
        square = np.sum(mean * mean, axis=-1)
        matrix = np.empty((*eta.shape, n_features + 1))
        matrix[..., :-1, :-1] = (variance / s**2)[..., np.newaxis, np.newaxis] * np.eye(n_features)
        matrix[..., :-1, -1] = matrix[..., -1, :-1] = -mean * (variance / s**2)[..., np.newaxis]
        matrix[..., -1, -1] = variance * (square + n_features * variance / 2) / s**2
        return matrix

    def phi(self, draws: Draws) -> np.ndarray:
        """Phi(mu) = (mu/s, -|mu|^2 / (2s)), for `mu` of shape (S, K, D)."""
        s, mu = self.noise_variance, draws["mu"]
        return np.concatenate([mu / s, -np.sum(mu * mu, axis=-1, keepdims=True) / (2 * s)], axis=-1)

    def mean_draw(self) -> Draws:
        """Return `mu` at its mean, shape (K, D)."""
        return {"mu": self.mean}

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `mu`, shape (n, K, D)."""
        scale = np.sqrt(self.variance)[..., np.newaxis]
        return {"mu": self.mean + scale * rng.standard_normal((n, *self.mean.shape))}

    def sample_data(self, rng: np.random.Generator, draws: Draws, assignments: np.ndarray) -> np.ndarray:
        """Return x_i ~ N(mu_{c_i}, s I), shape (N, D), for one draw of `mu`, shape (K, D)."""
        centre = draws["mu"][assignments]
        return centre + np.sqrt(self.noise_variance) * rng.standard_normal(centre.shape)

    def coordinates(self, x: np.ndarray, weight: np.ndarray) -> Coordinates:
        """Centre at the data's mean and make the noise variance 1, as in the textbook."""
        scale = np.full(x.shape[1], np.sqrt(self.noise_variance))
        return Coordinates.centring(x, weight, self.mean, scale)

    def moments(self, coordinates: Coordinates) -> Moments:
        """Of `mu`: E = eta_1/eta_2, so that d E/d eta_1 = I/eta_2 and d E/d eta_2 = -m/eta_2."""
        width = coordinates.scale[:, np.newaxis]
        per_eta = (self.variance / self.noise_variance)[..., np.newaxis, np.newaxis]  # 1/eta_2
        slope = np.broadcast_to(np.eye(self.n_features), (*self.mean.shape, self.n_features))
        return Moments(
            {"mu": (self.n_features,)},
            coordinates.inverse.apply(self.mean),
            diagonal(self.variance[..., np.newaxis] * coordinates.scale**2),
            width * per_eta * np.concatenate([slope, -self.mean[..., np.newaxis]], axis=-1),
        )

    def free_moments(self, coordinates: Coordinates) -> Moments:
        """Those of `mu`, which is free as it is."""
        return self.moments(coordinates)

    def seen_from(self, coordinates: Coordinates) -> Self:
        """Return the same distribution for x' = (x - shift) / scale; the scale is one number here."""
        square = coordinates.scale[0] ** 2
        return type(self)(coordinates.apply(self.mean), self.variance / square, self.noise_variance / square)

    def draws_seen_from(self, coordinates: Coordinates, draws: Draws) -> tuple[Draws, float]:
        """Return mu' = (mu - shift) / scale, and log |d mu' / d mu|."""
        return {**draws, "mu": coordinates.apply(draws["mu"])}, -coordinates.log_volume
