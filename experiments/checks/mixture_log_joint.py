r"""The log joint density of a mixture with its assignments kept, written from the story alone.

    theta_k ~ prior,   pi ~ prior,   c_i ~ Categorical(pi),   x_i | c_i ~ p(x | theta_{c_i})

Densities are written as tables of distributions have them (PRML, appendix B), and priors are read by their
fields; nothing is taken from `hand_cavi`, whose natural parameters and log-partitions are to be checked.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, multigammaln

if TYPE_CHECKING:
    from hand_cavi import DirichletWeights, Mixture, StickBreaking, families

_LN_2PI = float(np.log(2 * np.pi))
Arrays = Mapping[str, np.ndarray]
_Both = tuple[np.ndarray, np.ndarray]


class MixtureLogJoint:
    """ln p(x, c, theta, pi) of canonical draws, with ``assignments`` of shape (S, N); x is (N,) or (N, D)."""

    def __init__(self, mixture: "Mixture", x: ArrayLike) -> None:
        x = np.asarray(x, dtype=float)
        self.mixture = mixture
        self.x = x[:, np.newaxis] if x.ndim == 1 else x
        self._densities, names = _FAMILIES[mixture.components.name]
        known = mixture.weights.name == "fixed"
        self.variables = (*names, "assignments") if known else (*names, "weights", "assignments")

    def __call__(self, values: Arrays) -> np.ndarray:
        """Return ln p, shape (S,), in nats."""
        return np.sum(list(self.terms(values).values()), axis=0)

    def terms(self, values: Arrays) -> dict[str, np.ndarray]:
        """Return its parts by name, each of shape (S,)."""
        c = values["assignments"]
        n, k = len(c), self.mixture.n_components
        weights = self.mixture.weights
        log_pi = np.full((n, k), -np.log(k)) if weights.name == "fixed" else np.log(values["weights"])
        log_prior, log_x = self._densities(self.mixture.components, self.x, values)
        own = np.take_along_axis(log_x, c[:, np.newaxis, :], axis=1)[:, 0]
        found = {
            "log_likelihood": own.sum(axis=1),
            "log_assignments": np.take_along_axis(log_pi, c, axis=1).sum(axis=1),
            "log_prior_components": log_prior.sum(axis=1),
        }
        if weights.name != "fixed":
            found["log_prior_weights"] = _WEIGHTS[weights.name](weights, values["weights"])
        return found

    def like(self, mixture: "Mixture", x: ArrayLike) -> "MixtureLogJoint":
        """Return the log joint density of another mixture, or of other data."""
        return type(self)(mixture, x)


# ---- densities -------------------------------------------------------------------------------


def _normal(x: np.ndarray, mean: np.ndarray, precision: np.ndarray | float) -> np.ndarray:
    return (np.log(precision) - _LN_2PI - precision * (x - mean) ** 2) / 2


def _gamma(x: np.ndarray, shape: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(x) - rate * x


def _dirichlet(log_p: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    constant = gammaln(concentration.sum(axis=-1)) - gammaln(concentration).sum(axis=-1)
    return constant + np.sum((concentration - 1) * log_p, axis=-1)


def _wishart(matrix: np.ndarray, degrees_of_freedom: float, scale_inverse: np.ndarray) -> np.ndarray:
    """PRML B.78 with W = scale_inverse^-1."""
    size, nu = len(scale_inverse), degrees_of_freedom
    constant = (
        nu / 2 * np.linalg.slogdet(scale_inverse)[1] - nu * size / 2 * np.log(2) - multigammaln(nu / 2, size)
    )
    trace = np.einsum("ij,...ji->...", scale_inverse, matrix)
    return constant + (nu - size - 1) / 2 * np.linalg.slogdet(matrix)[1] - trace / 2


def _multinormal(x: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
    away = x - mean
    square = np.einsum("...i,...ij,...j->...", away, precision, away)
    return (np.linalg.slogdet(precision)[1] - x.shape[-1] * _LN_2PI - square) / 2


# ---- families: the prior (S, K), and the likelihood of every point under every component (S, K, N) ----


def _known_variance(prior: "families.NormalKnownVariance", x: np.ndarray, values: Arrays) -> _Both:
    mu = values["mu"]
    log_x = _normal(x, mu[:, :, np.newaxis], 1 / prior.noise_variance)
    return _normal(mu, prior.mean, 1 / prior.variance).sum(axis=-1), log_x.sum(axis=-1)


def _normal_gamma(prior: "families.NormalGamma", x: np.ndarray, values: Arrays) -> _Both:
    mu, precision = values["mu"], values["precision"]
    given = _normal(mu, prior.mean, prior.precision_scale * precision)
    log_x = _normal(x, mu[:, :, np.newaxis], precision[:, :, np.newaxis])
    return np.sum(given + _gamma(precision, prior.shape, prior.rate), axis=-1), log_x.sum(axis=-1)


def _normal_wishart(prior: "families.NormalWishart", x: np.ndarray, values: Arrays) -> _Both:
    mu, precision, features = values["mu"], values["precision"], x.shape[1]
    scale_inverse = np.asarray(prior.scale_inverse)
    if len(scale_inverse) == 1:
        scale_inverse = scale_inverse[0, 0] * np.eye(features)
    given = _multinormal(mu, np.broadcast_to(prior.mean, (features,)), prior.precision_scale * precision)
    away = x - mu[:, :, np.newaxis]  # (S, K, N, D)
    square = np.sum((away @ precision) * away, axis=-1)
    log_x = (np.linalg.slogdet(precision)[1][:, :, np.newaxis] - features * _LN_2PI - square) / 2
    return given + _wishart(precision, float(prior.degrees_of_freedom), scale_inverse), log_x


def _gamma_poisson(prior: "families.GammaPoisson", x: np.ndarray, values: Arrays) -> _Both:
    rate = values["rate"][:, :, np.newaxis]
    log_x = np.sum(x * np.log(rate) - rate - gammaln(x + 1), axis=-1)
    return _gamma(values["rate"], prior.shape, prior.rate).sum(axis=-1), log_x


def _dirichlet_categorical(prior: "families.DirichletCategorical", x: np.ndarray, values: Arrays) -> _Both:
    log_p = np.log(values["probability"])
    log_x = log_p[:, :, np.arange(x.shape[1]), x.astype(int)].sum(axis=-1)
    return _dirichlet(log_p, prior.concentration).sum(axis=-1), log_x


# ---- weights: densities against Lebesgue measure on the first K - 1 --------------------------------


def _dirichlet_weights(prior: "DirichletWeights", weights: np.ndarray) -> np.ndarray:
    return _dirichlet(np.log(weights), np.broadcast_to(prior.concentration, weights.shape[1:]))


def _stick_breaking(prior: "StickBreaking", weights: np.ndarray) -> np.ndarray:
    """With v_t = pi_t / (pi_t + ... + pi_K) ~ Beta(1, alpha), of density alpha (1 - v)^(alpha - 1)."""
    rest = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]  # what is left before piece t is broken off
    log_kept = np.log(rest[:, 1:]) - np.log(rest[:, :-1])  # ln(1 - v_t)
    alpha = prior.concentration
    return np.sum(np.log(alpha) + (alpha - 1) * log_kept - np.log(rest[:, :-1]), axis=1)


_FAMILIES: dict[str, tuple[Callable[..., _Both], tuple[str, ...]]] = {
    "normal_known_variance": (_known_variance, ("mu",)),
    "normal_gamma": (_normal_gamma, ("mu", "precision")),
    "normal_wishart": (_normal_wishart, ("mu", "precision")),
    "gamma_poisson": (_gamma_poisson, ("rate",)),
    "dirichlet_categorical": (_dirichlet_categorical, ("probability",)),
}
_WEIGHTS: dict[str, Callable[..., np.ndarray]] = {
    "dirichlet": _dirichlet_weights,
    "stick_breaking": _stick_breaking,
}
