"""Latent Dirichlet allocation q(z) q(shares) q(topics) whose updates are somebody else's.

    shares_d ~ Dirichlet(alpha), of K topics      topics_k ~ Dirichlet(eta), of V words
    z_n ~ shares of n's document                  w_n ~ topics of z_n

Libraries keep gamma of the shares and lambda of the topics; q(z) they make when it is needed, at some gamma
and lambda, ln q(z_n = k) = E[ln shares_dk] + E[ln topics_kw] + const, so that a state holds those too.
Source: Hoffman, Blei & Bach (2010), Online learning for latent Dirichlet allocation, section 2.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import xlogy

from examples.audit import dirichlets
from examples.audit.subject import Arrays
from examples.mutations.densities import assignment_draws, dirichlet_draws, log_assignments, log_dirichlet

EStep = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""From gamma and lambda: q(z) (N, K) at those, then gamma and lambda given that q(z)."""


@dataclass(frozen=True)
class State:
    """q(z) (N, K), the gamma (documents, K) and lambda (K, V) that it was made of, and those of now."""

    phi: np.ndarray
    made_of: tuple[np.ndarray, np.ndarray]
    gamma: np.ndarray
    lam: np.ndarray


class TopicsOfTheirs:
    """The mean field of LDA with a library's updates; see `examples.audit.subject.Audited`.

    Parameters
    ----------
    words : ndarray, shape (documents, V)
        How often each document has each word.
    n_topics : int
    alpha, eta : float
    e_step : EStep
        The library's.
    """

    factors = ("topics", "shares", "assignments")
    compared = ("topics", "shares")

    def __init__(self, words: np.ndarray, n_topics: int, alpha: float, eta: float, e_step: EStep) -> None:
        self.words, self.k, self.alpha, self.eta, self.e_step = words, n_topics, alpha, eta, e_step
        document, word = np.nonzero(words)
        times = words[document, word].astype(int)
        self.document, self.word = np.repeat(document, times), np.repeat(word, times)

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        shape, across = (len(self.words), self.k), (self.k, self.words.shape[1])
        made_of = rng.uniform(0.5, 4, shape), rng.uniform(0.5, 4, across)
        return State(
            self.e_step(*made_of)[0], made_of, rng.uniform(0.5, 4, shape), rng.uniform(0.5, 4, across)
        )

    def update(self, state: State, factor: str) -> State:
        """Set one factor as the library does."""
        if factor == "assignments":
            made_of = state.gamma, state.lam
            return replace(state, phi=self.e_step(*made_of)[0], made_of=made_of)
        _, gamma, lam = self.e_step(*state.made_of)
        return replace(state, gamma=gamma) if factor == "shares" else replace(state, lam=lam)

    def elbo(self, state: State) -> dict[str, float]:
        """Return the terms of E_q[ln p - ln q]."""
        log_shares, log_topics = dirichlets.expected_log(state.gamma), dirichlets.expected_log(state.lam)
        return {
            "log_words": float(np.sum(state.phi * log_topics[:, self.word].T)),
            "log_assignments": float(np.sum(state.phi * log_shares[self.document])),
            "entropy_assignments": float(-np.sum(xlogy(state.phi, state.phi))),
            "minus_kl_shares": -dirichlets.kl(state.gamma, self.alpha),
            "minus_kl_topics": -dirichlets.kl(state.lam, self.eta),
        }

    def log_joint(self, draws: Arrays) -> np.ndarray:
        """Return ln p(w, z, shares, topics), from the story alone."""
        return np.sum(list(self.terms(draws).values()), axis=0)

    def terms(self, draws: Arrays) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each."""
        z, shares, topics = draws["assignments"], draws["shares"], draws["topics"]
        row = np.arange(len(z))[:, np.newaxis]
        alpha, eta = np.full(shares.shape[-1], self.alpha), np.full(topics.shape[-1], self.eta)
        return {
            "log_words": np.log(topics[row, z, self.word]).sum(axis=1),
            "log_assignments": np.log(shares[row, self.document, z]).sum(axis=1),
            "log_prior_shares": log_dirichlet(shares, alpha).sum(axis=1),
            "log_prior_topics": log_dirichlet(topics, eta).sum(axis=1),
        }

    def parameters(self, state: State, factor: str) -> dict[str, np.ndarray]:
        """Return what a factor is made of; q(z) is made of another gamma and lambda."""
        if factor == "assignments":
            return dict(zip(("gamma", "lambda"), state.made_of, strict=True))
        return {"alpha": state.gamma if factor == "shares" else state.lam}

    def with_parameters(self, state: State, factor: str, parameters: dict[str, np.ndarray]) -> State:
        """Return the state with a factor made of these."""
        if factor == "assignments":
            made_of = parameters["gamma"], parameters["lambda"]
            return replace(state, phi=self.e_step(*made_of)[0], made_of=made_of)
        alpha = parameters["alpha"]
        return replace(state, gamma=alpha) if factor == "shares" else replace(state, lam=alpha)

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n draws of ``assignments`` (n, N), ``shares`` (n, documents, K) or ``topics`` (n, K, V)."""
        if factor == "assignments":
            return {factor: assignment_draws(rng, n, state.phi)}
        return {factor: dirichlet_draws(rng, n, state.gamma if factor == "shares" else state.lam)}

    def log_density(self, state: State, factor: str, values: Arrays) -> np.ndarray:
        """Return ln q, shape (S,)."""
        if factor == "assignments":
            return log_assignments(values[factor], state.phi)
        return log_dirichlet(values[factor], state.gamma if factor == "shares" else state.lam).sum(axis=1)

    def own(self) -> "TopicsOfTheirs":
        """Return the same model with our updates."""
        return TopicsOfTheirs(self.words, self.k, self.alpha, self.eta, ours(self))

    def assignments_of(self, state: State) -> np.ndarray:
        """Return q of every word's topic."""
        return state.phi

    def given(self, assignments: np.ndarray) -> State:
        """Return the exact posterior given all topics of words, (N,)."""
        phi = np.eye(self.k)[assignments]
        gamma, lam = self.counted(phi)
        return State(phi, (gamma, lam), gamma, lam)

    def counted(self, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the optimal gamma and lambda, prior plus expected counts."""
        gamma = np.full((len(self.words), self.k), self.alpha)
        lam = np.full((self.k, self.words.shape[1]), self.eta)
        np.add.at(gamma, self.document, phi)
        np.add.at(lam.T, self.word, phi)
        return gamma, lam


def ours(of: TopicsOfTheirs) -> EStep:
    """Return the right step."""

    def e_step(gamma: np.ndarray, lam: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        log_phi = dirichlets.expected_log(gamma)[of.document] + dirichlets.expected_log(lam)[:, of.word].T
        phi = np.exp(log_phi - log_phi.max(axis=1, keepdims=True))
        phi = phi / phi.sum(axis=1, keepdims=True)
        return phi, *of.counted(phi)

    return e_step
