"""Gaussian components as libraries parameterise them, and what their numbers can be taken to mean.

scikit-learn and hmmlearn hold, for every covariance type, m_k, beta_k, nu_k and a "covariance" W^-1 / nu: a
matrix, one for all components, a diagonal or a single number. Each type can be read in two ways:

    documented   the model has such covariances: K matrices, one, diagonals, or single variances
    restricted   every component has a matrix of its own, and only q(Lambda) = Wishart(W, nu) is simpler:
                 its W is a diagonal, a multiple of the identity, or the same for all components
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from examples.audit.mixture import Reading
from examples.mutations.densities import (
    log_gamma,
    log_normal,
    log_normal_precision,
    log_wishart,
    wishart_draws,
)
from hand_cavi import NormalGamma, NormalWishart
from hand_cavi.sklearn.spherical import SphericalNormalGamma

TYPES = ("full", "tied", "diag", "spherical")
_FIELDS = ("mean", "precision_scale", "degrees_of_freedom", "scale_inverse")
Numbers = dict[str, np.ndarray]
Draws = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class TiedNormalWishart:
    """One precision matrix for all components: Lambda ~ Wishart(W, nu), mu_k ~ N(m_k, (beta_k Lambda)^-1).

    Attributes
    ----------
    mean : ndarray, shape (K, D)
    precision_scale : ndarray, shape (K,)
    degrees_of_freedom : ndarray, shape ()
    scale_inverse : ndarray, shape (D, D)
    """

    mean: np.ndarray
    precision_scale: np.ndarray
    degrees_of_freedom: np.ndarray
    scale_inverse: np.ndarray

    def each(self) -> NormalWishart:
        """Return the K marginals q(mu_k, Lambda)."""
        k = len(self.mean)
        nu, inverse = np.broadcast_to(self.degrees_of_freedom, k), self.scale_inverse
        return NormalWishart(
            self.mean, self.precision_scale, nu, np.broadcast_to(inverse, (k, *inverse.shape))
        )

    def expected_log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return E_q[ln N(x_i | mu_k, Lambda^-1)], (N, K): it needs the marginals alone."""
        return self.each().expected_log_likelihood(x)

    def kl(self, prior: "TiedNormalWishart") -> float:
        """Return sum_k KL of the marginals, of whose K divergences of q(Lambda) one is to stay."""
        first = prior.each()
        only = NormalWishart(
            first.mean[0], first.precision_scale[0], self.degrees_of_freedom, self.scale_inverse
        )
        alone = NormalWishart(*(getattr(first, name)[0] for name in _FIELDS))
        return float(np.sum(self.each().kl(alone)) - (len(self.mean) - 1) * only.kl(alone))

    def updated(self, sums: np.ndarray) -> "TiedNormalWishart":
        """Return the posterior given sums of r_ik (x, x x', 1, 1), packed as `NormalWishart` packs them.

        nu = nu0 + N; W^-1 = W0^-1 + sum_k (W_k^-1 - W0^-1), with W_k^-1 as if k had a matrix of its own.
        """
        prior = self.each()
        own = NormalWishart(*(getattr(prior, name)[0] for name in _FIELDS)).updated(sums)
        inverse = self.scale_inverse + np.sum(own.scale_inverse - self.scale_inverse, axis=0)
        return TiedNormalWishart(
            own.mean, own.precision_scale, self.degrees_of_freedom + sums[:, -1].sum(), inverse
        )

    def statistics(self, x: np.ndarray) -> np.ndarray:
        """Return those of `NormalWishart`."""
        return self.each().statistics(x)

    def sample(self, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n draws of ``mu``, (n, K, D), and of ``precision``, (n, D, D)."""
        nu = np.reshape(self.degrees_of_freedom, 1)
        precision = wishart_draws(rng, n, nu, self.scale_inverse[np.newaxis])[:, 0]
        factor = np.linalg.cholesky(np.linalg.inv(precision))[:, np.newaxis]
        noise = factor @ rng.standard_normal((n, *self.mean.shape, 1))
        return {
            "mu": self.mean + noise[..., 0] / np.sqrt(self.precision_scale)[:, np.newaxis],
            "precision": precision,
        }

    def log_density(self, draws: Any) -> np.ndarray:
        """Return ln q by component, (S, K), that of Lambda counted with the first."""
        precision, beta = draws["precision"], self.precision_scale[:, np.newaxis, np.newaxis]
        found = log_normal_precision(draws["mu"], self.mean, beta * precision[:, np.newaxis])
        found[:, 0] += log_wishart(precision, self.degrees_of_freedom, self.scale_inverse)
        return found


class OneVariance(SphericalNormalGamma):
    """`SphericalNormalGamma` with draws of one ``precision`` per component, (S, K)."""

    def sample(self, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n draws."""
        draws = super().sample(rng, n)
        return {"mu": draws["mu"], "precision": draws["precision"][..., 0]}

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return ln q by component, (S, K)."""
        return super().log_density({"mu": draws["mu"], "precision": draws["precision"][..., np.newaxis]})


def _wishart(q: Any) -> tuple[np.ndarray, np.ndarray]:
    return q.degrees_of_freedom, q.scale_inverse


def _spread(kind: str, mean: np.ndarray, nu: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return degrees of freedom and matrices W^-1 of all components, which q shares or keeps simple."""
    leading, d = mean.shape[:-1], mean.shape[-1]
    if kind == "diag":
        scale = scale[..., np.newaxis] * np.eye(d)
    if kind == "spherical":
        scale = scale[..., np.newaxis, np.newaxis] * np.eye(d)
    return np.broadcast_to(nu, leading), np.broadcast_to(scale, (*leading, d, d))


def _gathered(kind: str, q: NormalWishart) -> tuple[np.ndarray, np.ndarray]:
    nu, scale = _wishart(q)
    if kind == "tied":
        return nu[0], scale[0]
    diagonal = np.diagonal(scale, axis1=-2, axis2=-1)
    return nu, diagonal if kind == "diag" else diagonal[..., 0]


def reading(kind: str, prior: Numbers, n_components: int, *, documented: bool) -> Reading:
    """Return what numbers of a covariance type mean: ``mean``, ``beta``, ``nu`` and ``scale``, that is W^-1.

    Parameters
    ----------
    kind : str
        One of TYPES.
    prior : dict of ndarray
        The same numbers without a leading axis of components.
    n_components : int
    documented : bool
        Whether the model has such covariances, or only q.
    """
    d, form = len(prior["mean"]), ""
    if kind == "full":
        made, taken = NormalWishart, _wishart
    elif not documented:
        form = {"tied": "shared Wishart", "diag": "diagonal W", "spherical": "spherical W"}[kind]

        def made(mean: np.ndarray, beta: np.ndarray, nu: np.ndarray, scale: np.ndarray) -> NormalWishart:
            return NormalWishart(mean, beta, *_spread(kind, mean, nu, scale))

        def taken(q: Any) -> tuple[np.ndarray, np.ndarray]:
            return _gathered(kind, q)

    elif kind == "tied":
        made, taken = TiedNormalWishart, _wishart
        shapes = {"mean": (n_components, d), "beta": (n_components,)}
        prior = {
            name: np.broadcast_to(value, shapes.get(name, np.shape(value))) for name, value in prior.items()
        }
    else:
        family, share = (NormalGamma, 1) if kind == "diag" else (OneVariance, d)

        def made(mean: np.ndarray, beta: np.ndarray, nu: np.ndarray, scale: np.ndarray) -> Any:
            return family(mean, beta, share * nu / 2, share * scale / 2)

        def taken(q: Any) -> tuple[np.ndarray, np.ndarray]:
            return 2 * q.shape / share, 2 * q.rate / share

    def posterior(**numbers: np.ndarray) -> Any:
        return made(*(np.asarray(numbers[name]) for name in ("mean", "beta", "nu", "scale")))

    def numbers(q: Any) -> Numbers:
        return {
            "mean": q.mean,
            "beta": q.precision_scale,
            **dict(zip(("nu", "scale"), taken(q), strict=True)),
        }

    return Reading(posterior(**prior), posterior, numbers, form)


def log_joint_of(prior: Any, x: np.ndarray, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return ln p(theta), (S, 1), and ln p(x_i | theta_k), (S, K, N), of tied or spherical covariances.

    From the stories, in the words of `examples.mutations.densities`.
    """
    mu, precision = draws["mu"], draws["precision"]
    if isinstance(prior, TiedNormalWishart):
        each = precision[:, np.newaxis]
        of_mean = log_normal_precision(mu, prior.mean, prior.precision_scale[0] * each)
        of_precision = log_wishart(precision, prior.degrees_of_freedom, prior.scale_inverse)
        log_x = log_normal_precision(x, mu[:, :, np.newaxis], each[:, :, np.newaxis])
        return (of_mean.sum(axis=1) + of_precision)[:, np.newaxis], log_x
    variance = 1 / precision[..., np.newaxis]  # (S, K, 1)
    of_mean = log_normal(mu, prior.mean, variance / prior.precision_scale).sum(axis=(1, 2))
    of_precision = log_gamma(precision, prior.shape, prior.rate).sum(axis=1)
    log_x = log_normal(x, mu[:, :, np.newaxis], variance[..., np.newaxis]).sum(axis=-1)
    return (of_mean + of_precision)[:, np.newaxis], log_x
