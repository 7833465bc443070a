r"""Normal components of unknown mean and full precision matrix.

The story, for a component k of D features, with prior mean m0, precision scale beta0, degrees of freedom
nu0 and scale matrix W0::

    Lambda_k ~ Wishart(W0, nu0)                                     E[Lambda] = nu0 W0
    mu_k | Lambda_k ~ N(m0, (beta0 Lambda_k)^-1)
    x_i | c_i = k ~ N(mu_k, Lambda_k^-1)

Expanding the quadratic in log N(x | mu, Lambda^-1), where x' Lambda x = < Lambda, x x' >, gives

    phi(theta) = (Lambda mu, -Lambda/2, -mu' Lambda mu / 2, ln|Lambda| / 2)
    T(x)       = (x, x x', 1, 1),                             log h(x) = -(D/2) ln 2 pi,

and the prior's exponent, sorted by the same phi, eta = (beta m, W^-1 + beta m m', beta, nu). What remains
of the prior's powers of |Lambda|, |Lambda|^(1/2 + (nu-D-1)/2 - nu/2) = |Lambda|^(-D/2), belongs to the
measure. Integrating out mu, then Lambda, at W^-1 = eta_2 - eta_1 eta_1'/eta_3,

    log Z(eta) = -(nu/2) ln|W^-1| + (nu D/2) ln 2 + ln Gamma_D(nu/2) - (D/2) ln beta + (D/2) ln 2 pi.

Symmetric matrices are kept as their lower triangles: T and eta hold the entries once, phi holds the entries
off the diagonal twice, so that the inner product is the same and P = D + D(D+1)/2 + 2.

Source: Bishop, PRML (2006), section 10.2 and appendix B; scale_inverse is his W^-1. Matrices make this the
longest family, and it stays one file, as every family is.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, as_finite, as_positive, refuse_beyond_memory
from hand_cavi.numerics import wishart
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.moments import Moments, diagonal, join, where_finite
from hand_cavi.numerics.special import digamma, gammaln, multigammaln
from hand_cavi.numerics.symmetric import (
    factor,
    inverse,
    log_det,
    lower_triangle,
    packed,
    packed_twice,
    positive,
    symmetrised,
    times,
    unpacked,
)

_LN_2, _LN_PI, _LN_2PI = np.log(2), np.log(np.pi), np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class NormalWishart(ConjugateFamily):
    """Lambda ~ Wishart(scale_inverse^-1, degrees_of_freedom), mu ~ N(mean, (precision_scale Lambda)^-1).

    Densities of Lambda are with respect to Lebesgue measure on its D(D+1)/2 free entries.

    Attributes
    ----------
    mean : ndarray, shape (D,); posterior (K, D)
        m, in units of x. A single number stands for every feature.
    precision_scale : ndarray, shape (); posterior (K,)
        beta: how many points the prior mean is worth.
    degrees_of_freedom : ndarray, shape (); posterior (K,)
        nu, above D - 1.
    scale_inverse : ndarray, shape (D, D); posterior (K, D, D)
        W^-1, in squared units of x: about nu times a component's covariance. A single number stands
        for that number times the identity.

    Raises
    ------
    InputError
        If a matrix is not symmetric and positive definite, there are too few degrees of freedom,
        precision_scale is not above zero, anything is not finite, or shapes do not fit.
    """

    mean: np.ndarray
    precision_scale: np.ndarray
    degrees_of_freedom: np.ndarray
    scale_inverse: np.ndarray

    name: ClassVar[str] = "normal_wishart"

    def __post_init__(self) -> None:
        mean = np.atleast_1d(as_finite(self.mean, "mean"))
        precision_scale = as_positive(self.precision_scale, "precision_scale")
        nu = as_positive(self.degrees_of_freedom, "degrees_of_freedom")
        scale_inverse = as_finite(self.scale_inverse, "scale_inverse")
        if scale_inverse.ndim == 0:
            scale_inverse = scale_inverse * _identity(mean.shape[-1])
        n_features = scale_inverse.shape[-1]
        if mean.shape == (1,):
            mean = np.broadcast_to(mean, n_features)
        leading = mean.shape[:-1]
        if (
            mean.shape[-1] != n_features
            or scale_inverse.shape != (*leading, n_features, n_features)
            or not precision_scale.shape == nu.shape == leading
        ):
            raise InputError(
                f"mean {mean.shape}, precision_scale {precision_scale.shape}, degrees_of_freedom {nu.shape} "
                f"and scale_inverse {scale_inverse.shape} do not fit; a prior takes a mean of (D,), one "
                "precision_scale, one number of degrees_of_freedom and a scale_inverse of (D, D)"
            )
        if np.any(nu <= n_features - 1):
            raise InputError(
                f"degrees_of_freedom is {nu.min():g}; a precision matrix of {n_features} features needs more "
                f"than {n_features - 1}"
            )
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "precision_scale", precision_scale)
        object.__setattr__(self, "degrees_of_freedom", nu)
        object.__setattr__(self, "scale_inverse", scale_inverse)
        _ = self._cholesky  # refuses what is not symmetric and positive definite

    @cached_property
    def _cholesky(self) -> np.ndarray:
        """The lower Cholesky factor of scale_inverse, shape (..., D, D)."""
        return factor(self.scale_inverse, "scale_inverse")

    @property
    def n_features(self) -> int:
        """D."""
        return self.mean.shape[-1]

    def with_features(self, n_features: int) -> Self:
        """Return the prior for D features; a prior given by single numbers serves them all."""
        if self.n_features == n_features:
            return self
        if self.n_features != 1:
            raise InputError(
                f"the prior has {self.n_features} features but the data have {n_features}; "
                "give a mean of (D,) and a scale_inverse of (D, D), or one number for each"
            )
        scale_inverse = self.scale_inverse[0, 0] * _identity(n_features)
        return type(self)(self.mean, self.precision_scale, self.degrees_of_freedom, scale_inverse)

    def statistics(self, x: np.ndarray) -> np.ndarray:
        """T(x) = (x, x x', 1, 1), the matrix as its lower triangle."""
        row, column = lower_triangle(x.shape[1])
        return np.column_stack([x, x[:, row] * x[:, column], np.ones((len(x), 2))])

    def products(self) -> np.ndarray:
        """T(x) = (x 1, x x', 1 1, 1 1)."""
        one = self.n_features
        pairs = zip(*lower_triangle(one), strict=True)
        return np.array([*((d, one) for d in range(one)), *pairs, (one, one), (one, one)])

    def log_base(self, x: np.ndarray) -> np.ndarray:
        """Log h(x) = -(D/2) ln 2 pi."""
        return np.full(len(x), -x.shape[1] / 2 * _LN_2PI)

    @cached_property
    def natural(self) -> np.ndarray:
        """Eta = (beta m, W^-1 + beta m m', beta, nu)."""
        beta_m = self.precision_scale[..., np.newaxis] * self.mean
        second = self.scale_inverse + beta_m[..., :, np.newaxis] * self.mean[..., np.newaxis, :]
        tail = np.stack([self.precision_scale, self.degrees_of_freedom], axis=-1)
        return np.concatenate([beta_m, packed(second), tail], axis=-1)

    def from_natural(self, eta: np.ndarray) -> Self:
        """Return the Normal-Wishart with these natural parameters.

        With eta = eta_0 + sum_i r_ik T(x_i) the lines are PRML's 10.60 to 10.63, where
        sum_i r_ik x_i = N_k xbar_k and sum_i r_ik x_i x_i' = N_k (S_k + xbar_k xbar_k').
        """
        n_features = self.n_features
        beta, nu = eta[..., -2], eta[..., -1]  # 10.60: beta_0 + N_k; 10.63: nu_0 + N_k
        beta_m, second = eta[..., :n_features], unpacked(eta[..., n_features:-2], n_features)
        mean = beta_m / beta[..., np.newaxis]  # 10.61: (beta_0 m_0 + N_k xbar_k) / beta_k
        square = symmetrised(beta_m[..., :, np.newaxis] * mean[..., np.newaxis, :])  # beta_k m_k m_k'
        return type(self)(mean, beta, nu, positive(second - square, square))  # 10.62

    def log_partition(self, eta: np.ndarray) -> np.ndarray:
        """Log Z, from the Cholesky factor that the member with these parameters keeps."""
        return self.from_natural(eta).log_z

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """E[phi], from the Cholesky factor that the member with these parameters keeps."""
        return self.from_natural(eta).expected_phi

    def covariance(self, eta: np.ndarray) -> np.ndarray:
        """Cov[phi], from the Cholesky factor that the member with these parameters keeps."""
        return self.from_natural(eta).covariance_phi

    @cached_property
    def covariance_phi(self) -> np.ndarray:
        """Cov[phi] = E[Cov[phi | Lambda]] + Cov[E[phi | Lambda]], shape (..., P, P).

        Given Lambda, mu = m + e with e of covariance (beta Lambda)^-1: Lambda mu moves by Lambda e, the third
        entry by -m' Lambda e and by -e' Lambda e/2 besides, of variance D/(2 beta^2). The conditional means
        are linear in Lambda and ln|Lambda|, see `_by_precision`.
        """
        n_features, beta = self.n_features, self.precision_scale
        w, nu = inverse(self._cholesky), self.degrees_of_freedom
        by_precision = _by_precision(self.mean)
        moved = np.zeros((*by_precision.shape[:-1], n_features))
        moved[..., :n_features, :] = np.eye(n_features)
        moved[..., -2, :] = -self.mean
        size = (nu / beta)[..., np.newaxis, np.newaxis] * w  # E[Lambda] / beta
        matrix = moved @ size @ np.swapaxes(moved, -1, -2)
        matrix += by_precision @ wishart.covariance(w, nu) @ np.swapaxes(by_precision, -1, -2)
        matrix[..., -2, -2] += n_features / (2 * beta**2)
        return symmetrised(matrix)

    @cached_property
    def log_z(self) -> np.ndarray:
        """Log Z of the docstring above: the reciprocals of PRML's B.79 and of a normal's constant."""
        beta, nu, n_features = self.precision_scale, self.degrees_of_freedom, self.n_features
        wishart = nu / 2 * (n_features * _LN_2 - log_det(self._cholesky)) + multigammaln(nu / 2, n_features)
        return wishart + n_features / 2 * (_LN_2PI - np.log(beta))

    @cached_property
    def expected_phi(self) -> np.ndarray:
        """E[phi] = (nu W m, -nu W/2, -(D/beta + nu m' W m)/2, E[ln|Lambda|]/2)."""
        mean, n_features = self.mean, self.n_features
        beta, nu = self.precision_scale, self.degrees_of_freedom
        precision = nu[..., np.newaxis, np.newaxis] * inverse(self._cholesky)  # E[Lambda]
        precision_mean = times(precision, mean)
        square = n_features / beta + np.sum(
            mean * precision_mean, axis=-1
        )  # E[mu' Lambda mu]: 10.64 at x = 0
        half = (nu[..., np.newaxis] - np.arange(n_features)) / 2
        log_size = digamma(half).sum(axis=-1) + n_features * _LN_2 - log_det(self._cholesky)  # PRML 10.65
        tail = np.stack([-square / 2, log_size / 2], axis=-1)
        return np.concatenate([precision_mean, packed_twice(-precision / 2), tail], axis=-1)

    def log_predictive(self, x: np.ndarray) -> np.ndarray:
        """Return Student's t, PRML 10.81: the generic formula by a rank-one update of ln|W^-1|, shape (N, K).

        With one more point, |W^-1 + b (x-m)(x-m)'| = |W^-1| (1 + b (x-m)' W (x-m)), b = beta/(beta + 1).
        """
        nu, n_features = self.degrees_of_freedom, self.n_features
        shrink = self.precision_scale / (self.precision_scale + 1)
        means = self.mean.reshape(-1, n_features)
        roots = np.linalg.inv(self._cholesky).reshape(-1, n_features, n_features)
        distance = np.empty((len(x), len(means)))  # (x-m)' W (x-m)
        for k, (mean, root) in enumerate(zip(means, roots, strict=True)):
            distance[:, k] = np.sum(((x - mean) @ root.T) ** 2, axis=1)
        constant = gammaln((nu + 1) / 2) - gammaln((nu + 1 - n_features) / 2)
        constant += (n_features * (np.log(shrink) - _LN_PI) - log_det(self._cholesky)) / 2
        return constant - (nu + 1) / 2 * np.log1p(shrink * distance)

    def phi(self, draws: Draws) -> np.ndarray:
        """Phi = (Lambda mu, -Lambda/2, -mu' Lambda mu/2, ln|Lambda|/2), shape (S, K, P)."""
        mu, precision = draws["mu"], draws["precision"]
        precision_mu = times(precision, mu)
        log_size = np.linalg.slogdet(precision)[1]
        tail = np.stack([-np.sum(mu * precision_mu, axis=-1) / 2, log_size / 2], axis=-1)
        return np.concatenate([precision_mu, packed_twice(-precision / 2), tail], axis=-1)

    def log_measure(self, draws: Draws) -> np.ndarray:
        """Return the left-over -(D/2) ln|Lambda|."""
        return -self.n_features / 2 * np.linalg.slogdet(draws["precision"])[1]

    def mean_draw(self) -> Draws:
        """Return `mu`, shape (K, D), and `precision`, shape (K, D, D), at their means."""
        nu = self.degrees_of_freedom[..., np.newaxis, np.newaxis]
        return {"mu": self.mean, "precision": nu * inverse(self._cholesky)}

    def moments(self, coordinates: Coordinates) -> Moments:
        """Of `mu` and `precision`: Var[mu] = W^-1/(beta (nu - D - 1)) if nu > D + 1; uncorrelated."""
        scale, n_features = coordinates.scale, self.n_features
        w, nu = inverse(self._cholesky), self.degrees_of_freedom
        entry = unpacked(np.arange(len(lower_triangle(n_features)[0])), n_features).astype(int).ravel()
        units = 1 / np.outer(scale, scale).ravel()
        own = wishart.covariance(w, nu)[..., entry, :]
        precision = Moments(
            {"precision": (n_features, n_features)},
            nu[..., np.newaxis] * w.reshape(*nu.shape, -1) * units,
            own[..., entry] * np.outer(units, units),
            own @ np.swapaxes(_by_precision(self.mean), -1, -2) * units[:, np.newaxis],
        )
        return join(self._moments_of_mu(coordinates), precision)

    def free_moments(self, coordinates: Coordinates) -> Moments:
        """Of `mu` and the log-Cholesky factor of `precision`: see `numerics.wishart.of_log_cholesky`."""
        row, column = lower_triangle(self.n_features)
        scale = coordinates.scale[row]
        mean, covariance, slope = wishart.of_log_cholesky(inverse(self._cholesky), self.degrees_of_freedom)
        units = np.where(
            row == column, 1.0, 1 / scale
        )  # Lambda = L' L'' / (scale scale'): a row of L by its scale
        log_cholesky = Moments(
            {"precision": (len(row),)},
            mean * units - np.where(row == column, np.log(scale), 0.0),
            covariance * np.outer(units, units),
            slope @ np.swapaxes(_by_precision(self.mean), -1, -2) * units[:, np.newaxis],
        )
        return join(self._moments_of_mu(coordinates), log_cholesky)

    def _moments_of_mu(self, coordinates: Coordinates) -> Moments:
        """E = eta_1/eta_3: d E/d eta_1 = I/beta, d E/d eta_3 = -m/beta."""
        beta, scale, n_features = self.precision_scale, coordinates.scale, self.n_features
        excess = self.degrees_of_freedom - n_features - 1
        variance = (
            self.scale_inverse / (beta * np.where(excess > 0, excess, 1.0))[..., np.newaxis, np.newaxis]
        )
        slope = np.zeros((*self.mean.shape, self.natural.shape[-1]))
        slope[..., :n_features] = np.eye(n_features)
        slope[..., -2] = -self.mean
        return Moments(
            {"mu": (n_features,)},
            coordinates.inverse.apply(self.mean),
            where_finite(excess > 0, variance * np.outer(scale, scale)),
            slope * scale[:, np.newaxis] / beta[..., np.newaxis, np.newaxis],
        )

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `mu`, shape (n, K, D), and `precision`, shape (n, K, D, D).

        Bartlett's decomposition: with W = F F', Lambda = (F A)(F A)' for a lower triangular A whose
        squared diagonal is chi-squared with nu, nu - 1, ... degrees of freedom, the rest standard normal.
        """
        n_features = self.n_features
        shape = (n, *self.mean.shape)
        lower = np.tril(rng.standard_normal((*shape, n_features)), -1)
        chi_squared = rng.chisquare(self.degrees_of_freedom[..., np.newaxis] - np.arange(n_features), shape)
        diagonal = np.arange(n_features)
        lower[..., diagonal, diagonal] = np.sqrt(np.maximum(chi_squared, np.finfo(float).tiny))
        root = np.swapaxes(np.linalg.inv(self._cholesky), -1, -2) @ lower  # F A
        precision = root @ np.swapaxes(root, -1, -2)
        noise = np.linalg.solve(np.swapaxes(root, -1, -2), rng.standard_normal((*shape, 1)))[..., 0]
        mu = self.mean + noise / np.sqrt(self.precision_scale)[..., np.newaxis]
        return {"mu": mu, "precision": symmetrised(precision)}

    def sample_data(self, rng: np.random.Generator, draws: Draws, assignments: np.ndarray) -> np.ndarray:
        """Return x_i ~ N(mu, Lambda^-1), shape (N, D), for one draw, arrays (K, D) and (K, D, D)."""
        upper = np.swapaxes(np.linalg.cholesky(draws["precision"]), -1, -2)
        noise = rng.standard_normal((len(assignments), self.n_features, 1))
        return draws["mu"][assignments] + np.linalg.solve(upper[assignments], noise)[..., 0]

    def coordinates(self, x: np.ndarray, weight: np.ndarray) -> Coordinates:
        """Centre and scale every feature."""
        floor = np.sqrt(np.diagonal(self.scale_inverse) / self.degrees_of_freedom)
        return Coordinates.standardising(x, weight, self.mean, floor)

    def seen_from(self, coordinates: Coordinates) -> Self:
        """Return the same distribution for x' = (x - shift) / scale: W'^-1 = W^-1 / (scale scale')."""
        scale = coordinates.scale
        scale_inverse = self.scale_inverse / scale / scale[:, np.newaxis]
        return type(self)(
            coordinates.apply(self.mean), self.precision_scale, self.degrees_of_freedom, scale_inverse
        )

    def draws_seen_from(self, coordinates: Coordinates, draws: Draws) -> tuple[Draws, float]:
        """Return mu', Lambda' and log |d(mu', Lambda')/d(mu, Lambda)| = sum_d (D + 1 - 1) ln scale_d."""
        scale = coordinates.scale
        inner = {
            "mu": coordinates.apply(draws["mu"]),
            "precision": draws["precision"] * scale * scale[:, np.newaxis],
        }
        return {**draws, **inner}, self.n_features * coordinates.log_volume


def _by_precision(mean: np.ndarray) -> np.ndarray:
    """Return E[phi | Lambda] by (Lambda's lower triangle, ln|Lambda|), shape (..., P, D(D+1)/2 + 1).

    It is (Lambda m, -Lambda/2, -m' Lambda m/2 - D/(2 beta), ln|Lambda|/2); an entry off the diagonal counts
    twice, as in phi itself.
    """
    n_features = mean.shape[-1]
    row, column = lower_triangle(n_features)
    entry = np.arange(len(row))
    times_mean = np.zeros((*mean.shape, len(row)))
    times_mean[..., row, entry] = mean[..., column]
    times_mean[..., column, entry] = mean[..., row]
    matrix = np.zeros((*mean.shape[:-1], n_features + len(row) + 2, len(row) + 1))
    matrix[..., :n_features, :-1] = times_mean
    matrix[..., n_features:-2, :-1] = -diagonal(np.where(row == column, 1.0, 2.0)) / 2
    matrix[..., -2, :-1] = -(mean[..., np.newaxis, :] @ times_mean)[..., 0, :] / 2
    matrix[..., -1, -1] = 0.5
    return matrix


def refuse_too_many(n_features: int) -> None:
    """Raise InputError before anything is made if a prior of so many features cannot be held.

    Its matrix, the factor of that, the inverse and the natural parameters are there at the same time.
    """
    refuse_beyond_memory(4 * n_features**2, f"the covariances of {n_features} features")


def _identity(n_features: int) -> np.ndarray:
    refuse_too_many(n_features)
    return np.eye(n_features)
