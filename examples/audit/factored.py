"""Gaussian mixtures in which q(mu) and q(Lambda) are independent too, as BayesPy's nodes make them.

    mu_k ~ N(m0, P0^-1),   Lambda_k ~ Wishart(W0, nu0),   pi ~ Dirichlet,   x_i ~ N(mu_{c_i}, Lambda_{c_i}^-1)

The prior is not conjugate, so that assignments cannot be summed out. A Gibbs sampler is the reference.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import digamma

from examples.audit.measures import Exact
from examples.audit.mixture import MixtureOfTheirs, Reading, State, arrays
from examples.audit.subject import Arrays
from examples.mutations.densities import (
    dirichlet_draws,
    log_determinant,
    log_dirichlet,
    log_normal_precision,
    log_wishart,
    wishart_draws,
)
from hand_cavi import DirichletWeights, NormalWishart


@dataclass(frozen=True, eq=False)
class NormalAndWishart:
    """q(mu_k) q(Lambda_k), and the prior; every array with K first.

    Attributes
    ----------
    mean : ndarray, shape (K, D)
    precision : ndarray, shape (K, D, D)
        Of mu_k.
    degrees_of_freedom : ndarray, shape (K,)
    scale_inverse : ndarray, shape (K, D, D)
        W^-1.
    """

    mean: np.ndarray
    precision: np.ndarray
    degrees_of_freedom: np.ndarray
    scale_inverse: np.ndarray

    @property
    def expected_precision(self) -> np.ndarray:
        """E[Lambda_k] = nu W, (K, D, D)."""
        return self.degrees_of_freedom[:, np.newaxis, np.newaxis] * np.linalg.inv(self.scale_inverse)

    def expected_log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return (E ln|Lambda| - D ln 2 pi - E (x - mu)' Lambda (x - mu)) / 2, (N, K)."""
        d = x.shape[1]
        halves = (self.degrees_of_freedom[:, np.newaxis] - np.arange(d)) / 2
        log_det = digamma(halves).sum(axis=1) + d * np.log(2) - log_determinant(self.scale_inverse)
        away = x[:, np.newaxis] - self.mean
        square = np.einsum("nki,kij,nkj->nk", away, self.expected_precision, away)
        square = square + np.sum(self.expected_precision * np.linalg.inv(self.precision), axis=(1, 2))
        return (log_det - d * np.log(2 * np.pi) - square) / 2

    def kl(self, prior: "NormalAndWishart") -> np.ndarray:
        """Return KL of the normals and of the Wisharts, (K,)."""
        away = self.mean - prior.mean
        normal = np.sum(prior.precision * np.linalg.inv(self.precision), axis=(1, 2)) - self.mean.shape[1]
        normal = normal + np.einsum("ki,kij,kj->k", away, prior.precision, away)
        normal = normal + log_determinant(self.precision) - log_determinant(prior.precision)
        return normal / 2 + _wishart(self).kl(_wishart(prior))


def _wishart(q: NormalAndWishart) -> NormalWishart:
    """Return a Normal-Wishart whose normal part is the same whatever q, so that it leaves no divergence."""
    return NormalWishart(np.zeros_like(q.mean), np.ones(len(q.mean)), q.degrees_of_freedom, q.scale_inverse)


def right_means(x: np.ndarray, prior: NormalAndWishart, r: np.ndarray, q: NormalAndWishart) -> Any:
    """Set q(mu): precision P0 + N_k E[Lambda], mean P^-1 (P0 m0 + E[Lambda] sum_i r_ik x_i)."""
    precision = prior.precision + r.sum(axis=0)[:, np.newaxis, np.newaxis] * q.expected_precision
    weighed = np.einsum("kij,kj->ki", prior.precision, prior.mean)
    weighed = weighed + np.einsum("kij,kj->ki", q.expected_precision, r.T @ x)
    return replace(q, mean=np.linalg.solve(precision, weighed[..., np.newaxis])[..., 0], precision=precision)


def right_precisions(x: np.ndarray, prior: NormalAndWishart, r: np.ndarray, q: NormalAndWishart) -> Any:
    """Set q(Lambda): nu0 + N_k, W0^-1 + sum_i r_ik (x_i - m_k)(x_i - m_k)' + N_k P_k^-1."""
    n_k, away = r.sum(axis=0), x[:, np.newaxis] - q.mean
    scatter = np.einsum("nk,nki,nkj->kij", r, away, away)
    inverse = prior.scale_inverse + scatter + n_k[:, np.newaxis, np.newaxis] * np.linalg.inv(q.precision)
    return replace(q, degrees_of_freedom=prior.degrees_of_freedom + n_k, scale_inverse=inverse)


class FactoredOfTheirs(MixtureOfTheirs):
    """The mean field with four factors; see `examples.audit.subject.Audited`.

    Parameters
    ----------
    x : ndarray, shape (N, D)
    prior : NormalAndWishart
    weights : DirichletWeights
        The prior.
    steps : tuple of callables
        means(r, q), precisions(r, q), weights(r) and assignments(q, weights).
    """

    factors = ("means", "precisions", "weights", "assignments")

    def __init__(
        self, x: np.ndarray, prior: NormalAndWishart, weights: DirichletWeights, steps: tuple
    ) -> None:
        self.set_means, self.set_precisions, self.set_weights, e_step = steps
        reading = Reading(prior, NormalAndWishart, arrays)
        super().__init__(x, len(prior.mean), reading, weights, self.joint, (None, e_step))
        self.compared = ("means", "precisions", "weights")

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        r = rng.dirichlet(np.full(self.n_components, 0.8), (4, len(self.x)))
        prior = self.reading.prior
        q = right_means(self.x, prior, r[1], right_precisions(self.x, prior, r[2], prior))
        return State(r[0], q, self.set_weights(r[3]))

    def update(self, state: State, factor: str) -> State:
        """Set one factor as the library does."""
        if factor == "assignments":
            return replace(state, r=self.e_step(state.components, state.weights))
        if factor == "weights":
            return replace(state, weights=self.set_weights(state.r))
        step = self.set_means if factor == "means" else self.set_precisions
        return replace(state, components=step(state.r, state.components))

    def parameters(self, state: State, factor: str) -> dict[str, np.ndarray]:
        """Return what a factor is made of."""
        own = {"means": ("mean", "precision"), "precisions": ("degrees_of_freedom", "scale_inverse")}
        if factor not in own:
            return super().parameters(state, factor)
        return {name: getattr(state.components, name) for name in own[factor]}

    def with_parameters(self, state: State, factor: str, parameters: dict[str, np.ndarray]) -> State:
        """Return the state with a factor made of these."""
        if factor not in ("means", "precisions"):
            return super().with_parameters(state, factor, parameters)
        return replace(state, components=replace(state.components, **parameters))

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n draws."""
        q = state.components
        if factor == "means":
            factors = np.linalg.cholesky(np.linalg.inv(q.precision))
            noise = factors @ rng.standard_normal((n, *q.mean.shape, 1))
            return {"mu": q.mean + noise[..., 0]}
        if factor == "precisions":
            return {"precision": wishart_draws(rng, n, q.degrees_of_freedom, q.scale_inverse)}
        return super().sample(state, factor, rng, n)

    def log_density(self, state: State, factor: str, values: Arrays) -> np.ndarray:
        """Return ln q, shape (S,)."""
        q = state.components
        if factor == "means":
            return log_normal_precision(values["mu"], q.mean, q.precision).sum(axis=1)
        if factor == "precisions":
            return log_wishart(values["precision"], q.degrees_of_freedom, q.scale_inverse).sum(axis=1)
        return super().log_density(state, factor, values)

    def joint(self, draws: Arrays) -> np.ndarray:
        """Return ln p(x, c, mu, Lambda, pi), from the story alone."""
        prior, c, weights = self.reading.prior, draws["assignments"], draws["weights"]
        mu, precision = draws["mu"], draws["precision"]
        log_x = log_normal_precision(self.x, mu[:, :, np.newaxis], precision[:, :, np.newaxis])
        own = np.take_along_axis(log_x, c[:, np.newaxis], axis=1)[:, 0]
        log_theta = log_normal_precision(mu, prior.mean, prior.precision)
        log_theta = log_theta + log_wishart(precision, prior.degrees_of_freedom, prior.scale_inverse)
        log_pi = log_dirichlet(weights, self.weights.concentration)
        own = own + np.take_along_axis(np.log(weights), c, axis=1)
        return own.sum(axis=1) + log_theta.sum(axis=1) + log_pi

    def own(self) -> "FactoredOfTheirs":
        """Return the same model with our updates."""
        x, prior, weights = self.x, self.reading.prior, self.weights

        def e_step(q: NormalAndWishart, q_weights: DirichletWeights) -> np.ndarray:
            log_r = q.expected_log_likelihood(x) + q_weights.expected_log()
            r = np.exp(log_r - log_r.max(axis=1, keepdims=True))
            return r / r.sum(axis=1, keepdims=True)

        steps = (
            lambda r, q: right_means(x, prior, r, q),
            lambda r, q: right_precisions(x, prior, r, q),
            lambda r: weights.updated(r.sum(axis=0)),
            e_step,
        )
        return FactoredOfTheirs(x, prior, weights, steps)

    def posterior(self, state: State, n: int, chains: int = 200, seed: int = 1) -> Exact:
        """Return standard deviations from a Gibbs sampler of many chains, each drawn under q's names.

        Raises
        ------
        ArithmeticError
            If R-hat of anything exceeds 1.01.
        """
        rng, prior, k = np.random.default_rng(seed), self.reading.prior, self.n_components
        start = {"mu": prior.mean, "precision": prior.expected_precision}
        draws = {name: np.repeat(values[np.newaxis], chains, axis=0) for name, values in start.items()}
        weights, kept = np.full((chains, k), 1 / k), []
        for sweep in range(300 + 5 * n // chains):
            mu, precision = (draws[name][:, :, np.newaxis] for name in ("mu", "precision"))
            log_x = log_normal_precision(self.x, mu, precision)  # (chains, K, N)
            log_p = np.log(weights)[:, np.newaxis] + np.moveaxis(log_x, 1, 2)
            c = np.argmax(log_p - np.log(rng.standard_exponential(log_p.shape)), axis=2)
            one = np.eye(k)[c]  # (chains, N, K)
            n_k = one.sum(axis=1)
            weights = dirichlet_draws(rng, 1, self.weights.concentration + n_k)[0]
            draws = self._given(one, n_k, draws["mu"], rng)
            if sweep >= 300:
                kept.append(self._named(state.r, c, {**draws, "weights": weights}))
        found = {name: np.stack([part[name] for part in kept]) for name in kept[0]}
        for name, values in found.items():
            within, between = values.var(axis=0).mean(axis=0), values.mean(axis=0).var(axis=0)
            if np.sqrt(1 + between / within).max() > 1.01:
                raise ArithmeticError(f"the chains disagree on {name}; take more draws")
        return Exact(np.nan, {name: v.reshape(-1, *v.shape[2:]).std(axis=0) for name, v in found.items()})

    def _given(self, one: np.ndarray, n_k: np.ndarray, mu: np.ndarray, rng: np.random.Generator) -> Any:
        """Draw precisions given means, then means given precisions, of all chains at once."""
        prior, d = self.reading.prior, self.x.shape[1]
        away = self.x[:, np.newaxis] - mu[:, np.newaxis]  # (chains, N, K, D)
        inverse = prior.scale_inverse + np.einsum("snk,snki,snkj->skij", one, away, away)
        nu = prior.degrees_of_freedom + n_k
        precision = wishart_draws(rng, 1, nu.ravel(), inverse.reshape(-1, d, d))[0].reshape(inverse.shape)
        total = prior.precision + n_k[..., np.newaxis, np.newaxis] * precision
        weighed = np.einsum("kij,kj->ki", prior.precision, prior.mean)
        weighed = weighed + np.einsum("skij,snk,nj->ski", precision, one, self.x)
        mean = np.linalg.solve(total, weighed[..., np.newaxis])
        noise = np.linalg.cholesky(np.linalg.inv(total)) @ rng.standard_normal(mean.shape)
        return {"mu": (mean + noise)[..., 0], "precision": precision}

    def _named(self, r: np.ndarray, c: np.ndarray, draws: Arrays) -> dict[str, np.ndarray]:
        """Return draws of two components in the order in which most assignments agree with r."""
        swap = r[np.arange(len(r)), c].sum(axis=1) < len(r) / 2
        return {
            name: np.where(swap.reshape(-1, *(1,) * (v.ndim - 1)), v[:, ::-1], v) for name, v in draws.items()
        }
