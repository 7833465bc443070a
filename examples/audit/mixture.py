"""Mixtures q(c) q(theta) q(pi) whose updates are somebody else's.

What a library has to give is its M-step and its E-step: from responsibilities to the posteriors of components
and weights, and back. Posteriors are those of `hand_cavi`, which knows their expectations, divergences and
densities with every constant, so that the bound here is the bound of the library's q, optimal or not.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy.special import xlogy

from examples.audit.subject import Arrays
from examples.mutations.densities import assignment_draws, log_assignments

Steps = tuple[Callable[[np.ndarray], tuple[Any, Any]], Callable[[Any, Any], np.ndarray]]
"""m_step(r) returns posteriors of components and weights; e_step(components, weights) returns r, (N, K)."""


def arrays(posterior: Any) -> dict[str, np.ndarray]:
    """Return what a posterior of `hand_cavi` is made of, arrays by name."""
    held = {field.name: getattr(posterior, field.name) for field in fields(posterior)}
    return {name: np.asarray(value) for name, value in held.items() if np.ndim(value)}


@dataclass(frozen=True)
class Reading:
    """What a library's numbers about the components are taken to mean.

    Attributes
    ----------
    prior : ConjugateFamily
        p(theta).
    posterior : callable
        From the library's numbers, arrays by name, to q(theta).
    numbers : callable
        Back.
    form : str
        Where q is the best of a form only, a word for it.
    """

    prior: Any
    posterior: Callable[..., Any]
    numbers: Callable[[Any], dict[str, np.ndarray]] = arrays
    form: str = ""


def own_reading(prior: Any) -> Reading:
    """Return the reading of a posterior whose numbers are those of `hand_cavi`."""
    return Reading(prior, lambda **numbers: replace(prior, **numbers))


@dataclass(frozen=True)
class State:
    """Responsibilities (N, K), and the posteriors of components and weights."""

    r: np.ndarray
    components: Any
    weights: Any


def counts_of(r: np.ndarray, weights: Any) -> np.ndarray:
    """Return expected counts for all pieces of the weights, of which a last one may never be used."""
    n_k = r.sum(axis=0)
    return np.append(n_k, np.zeros(len(weights.expected_log()) - len(n_k)))


class MixtureOfTheirs:
    """The mean field of a mixture with a library's updates; see `examples.audit.subject.Audited`.

    Parameters
    ----------
    x : ndarray, shape (N, D)
    n_components : int
    reading : Reading
    weights : MixingWeights
        The prior, for K pieces, or for K + 1 of which q never uses the last.
    log_joint : callable
    steps : Steps
        The library's.
    """

    factors = ("components", "weights", "assignments")

    def __init__(
        self, x: np.ndarray, n_components: int, reading: Reading, weights: Any, log_joint: Any, steps: Steps
    ) -> None:
        self.x, self.n_components, self.reading, self.weights = x, n_components, reading, weights
        self.log_joint = log_joint
        self.m_step, self.e_step = steps
        self.form = {"components": reading.form} if reading.form else {}
        # the order of sticks is a part of the model, so that q(pi) has no counterpart under other names
        self.compared = ("components", "weights") if weights.exchangeable else ("components",)

    def initial(self, rng: np.random.Generator) -> State:
        """Return a state in which no factor is at its optimum: each comes from its own responsibilities."""
        r = rng.dirichlet(np.full(self.n_components, 0.5), (3, len(self.x)))
        r = (r + 0.01) / (1 + 0.01 * self.n_components)
        return State(r[0], self.m_step(r[1])[0], self.m_step(r[2])[1])

    def update(self, state: State, factor: str) -> State:
        """Set one factor as the library does."""
        if factor == "assignments":
            return replace(state, r=self.e_step(state.components, state.weights))
        found = dict(zip(("components", "weights"), self.m_step(state.r), strict=True))
        return replace(state, **{factor: found[factor]})

    def elbo(self, state: State) -> dict[str, float]:
        """Return the terms of E_q[ln p - ln q], as in `hand_cavi.elbo`."""
        r, q_components, q_weights = state.r, state.components, state.weights
        return {
            "log_likelihood": float(np.sum(r * q_components.expected_log_likelihood(self.x))),
            "log_assignments": float(counts_of(r, q_weights) @ q_weights.expected_log()),
            "entropy_assignments": float(-np.sum(xlogy(r, r))),
            "minus_kl_weights": -float(q_weights.kl(self.weights)),
            "minus_kl_components": -float(np.sum(q_components.kl(self.reading.prior))),
        }

    def parameters(self, state: State, factor: str) -> dict[str, np.ndarray]:
        """Return what a factor is made of, in the library's numbers."""
        if factor == "components":
            return self.reading.numbers(state.components)
        return {"r": state.r} if factor == "assignments" else arrays(state.weights)

    def with_parameters(self, state: State, factor: str, parameters: dict[str, np.ndarray]) -> State:
        """Return the state with a factor made of these."""
        if factor == "components":
            return replace(state, components=self.reading.posterior(**parameters))
        if factor == "weights":
            return replace(state, weights=replace(self.weights, **parameters))
        return replace(state, r=parameters["r"])

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n canonical draws of q, or ``assignments`` of shape (n, N)."""
        if factor == "assignments":
            return {"assignments": assignment_draws(rng, n, state.r)}
        return getattr(state, factor).sample(rng, n)

    def log_density(self, state: State, factor: str, values: Arrays) -> np.ndarray:
        """Return ln q, shape (S,)."""
        if factor == "assignments":
            return log_assignments(values["assignments"], state.r)
        if factor == "weights":
            return state.weights.log_density(values, len(values["weights"]))
        return state.components.log_density(values).sum(axis=1)

    def own(self) -> "MixtureOfTheirs":
        """Return the same model with our updates."""
        prior, weights = self.reading.prior, self.weights
        steps = ours(self.x, prior, weights)
        return MixtureOfTheirs(self.x, self.n_components, own_reading(prior), weights, self.log_joint, steps)

    def assignments_of(self, state: State) -> np.ndarray:
        """Return the responsibilities."""
        return state.r

    def given(self, assignments: np.ndarray) -> State:
        """Return the exact posterior given all assignments, (N,)."""
        r = np.eye(self.n_components)[assignments]
        return State(r, *ours(self.x, self.reading.prior, self.weights)[0](r))


def ours(x: np.ndarray, components: Any, weights: Any) -> Steps:
    """Return the steps of `hand_cavi` for a mixture with these priors."""
    statistics = components.statistics(x)

    def m_step(r: np.ndarray) -> tuple[Any, Any]:
        return components.updated(r.T @ statistics), weights.updated(counts_of(r, weights))

    def e_step(q_components: Any, q_weights: Any) -> np.ndarray:
        log_r = q_components.expected_log_likelihood(x)
        log_r = log_r + q_weights.expected_log()[: log_r.shape[1]]
        r = np.exp(log_r - log_r.max(axis=1, keepdims=True))
        return r / r.sum(axis=1, keepdims=True)

    return m_step, e_step
