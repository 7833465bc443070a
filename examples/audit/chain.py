"""Hidden Markov models q(z) q(start) q(transitions) q(emissions) whose updates are somebody else's.

    start ~ Dirichlet,  every row of transitions ~ Dirichlet,  z_1 ~ start,  z_t ~ transitions of z_{t-1},
    x_t ~ p(x | theta_{z_t})

q(z) is a chain itself, proportional to exp(s(z_1) + sum_t a(z_{t-1}, z_t) + sum_t b_t(z_t)) for any
potentials s, a and b; the optimal ones are the expected logarithms. Its marginals are found here by messages,
and by the library in its own way. Source: Beal (2003), Variational algorithms for approximate Bayesian
inference, chapter 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from examples.audit import dirichlets
from examples.audit.log_joints import components_of
from examples.audit.mixture import Reading, own_reading
from examples.audit.subject import Arrays
from examples.mutations.densities import dirichlet_draws, log_dirichlet

Potentials = dict[str, np.ndarray]
"""``start`` (K,), ``transitions`` (K, K) and ``frames`` (T, K)."""

Posteriors = tuple[np.ndarray, np.ndarray, Any]
"""alpha of the start (K,), alpha of the transitions (K, K), and q(theta)."""

Steps = tuple[Callable[[Potentials], Posteriors], Callable[[Posteriors], Potentials]]


@dataclass(frozen=True)
class State:
    """A chain's potentials with its marginals (T, K), summed pairs (K, K) and entropy; and the posteriors."""

    potentials: Potentials
    marginals: np.ndarray
    pairs: np.ndarray
    entropy: float
    start: np.ndarray
    transitions: np.ndarray
    emissions: Any


def messages(potentials: Potentials) -> tuple[np.ndarray, np.ndarray]:
    """Return logarithms of the forward and the backward messages, (T, K) each."""
    s, a, b = potentials["start"], potentials["transitions"], potentials["frames"]
    forward, backward = np.empty_like(b), np.zeros_like(b)
    forward[0] = s + b[0]
    for t in range(1, len(b)):
        forward[t] = b[t] + np.logaddexp.reduce(forward[t - 1][:, np.newaxis] + a, axis=0)
    for t in range(len(b) - 2, -1, -1):
        backward[t] = np.logaddexp.reduce(a + b[t + 1] + backward[t + 1], axis=1)
    return forward, backward


def moments(potentials: Potentials) -> tuple[np.ndarray, np.ndarray, float]:
    """Return marginals (T, K), summed pairs (K, K) and entropy = ln Z - E[potentials]."""
    forward, backward = messages(potentials)
    log_z = np.logaddexp.reduce(forward[-1])
    marginals = np.exp(forward + backward - log_z)
    s, a, b = potentials["start"], potentials["transitions"], potentials["frames"]
    pair = forward[:-1, :, np.newaxis] + a + (b + backward)[1:, np.newaxis, :] - log_z
    pairs = np.exp(pair).sum(axis=0)
    with np.errstate(invalid="ignore"):  # what is impossible has a potential of -inf and counts nothing
        each = (marginals[0] * s, pairs * a, marginals * b)
    expected = sum(
        np.sum(part[share > 0]) for part, share in zip(each, (marginals[0], pairs, marginals), strict=True)
    )
    return marginals, pairs, float(log_z - expected)


def normalised(potentials: Potentials) -> Potentials:
    """Return the same chain with chances in start and transitions that sum to 1; frames take the rest."""
    s, a, b = potentials["start"], potentials["transitions"], potentials["frames"]
    row = np.logaddexp.reduce(a, axis=1)
    frames = b + np.where(np.arange(len(b))[:, np.newaxis] < len(b) - 1, row, 0.0)
    return {"start": s - np.logaddexp.reduce(s), "transitions": a - row[:, np.newaxis], "frames": frames}


class ChainOfTheirs:
    """The mean field of a hidden Markov model with a library's updates; see `examples.audit.subject.Audited`.

    Parameters
    ----------
    x : ndarray, shape (T, D)
    n_states : int
    reading : Reading
    alpha : float
        Of all Dirichlets of start and transitions.
    steps : Steps
        The library's: m_step(potentials) and e_step(posteriors).
    """

    factors = ("emissions", "transitions", "start", "states")
    compared = ("emissions", "transitions", "start")

    def __init__(self, x: np.ndarray, n_states: int, reading: Reading, alpha: float, steps: Steps) -> None:
        self.x, self.k, self.reading, self.alpha = x, n_states, reading, alpha
        self.m_step, self.e_step = steps
        self.form = {"emissions": reading.form} if reading.form else {}

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""

        def potentials() -> Potentials:
            k = self.k
            shapes = {"start": (k,), "transitions": (k, k), "frames": (len(self.x), k)}
            return {name: rng.standard_normal(shape) for name, shape in shapes.items()}

        made = [self.m_step(normalised(potentials()))[i] for i in range(3)]
        own = normalised(potentials())
        return State(own, *moments(own), *made)

    def update(self, state: State, factor: str) -> State:
        """Set one factor as the library does."""
        if factor == "states":
            potentials = self.e_step((state.start, state.transitions, state.emissions))
            return self._with_potentials(state, normalised(potentials))
        made = dict(zip(("start", "transitions", "emissions"), self.m_step(state.potentials), strict=True))
        return replace(state, **{factor: made[factor]})

    def elbo(self, state: State) -> dict[str, float]:
        """Return the terms of E_q[ln p - ln q]."""
        log_x = state.emissions.expected_log_likelihood(self.x)
        return {
            "log_likelihood": float(np.sum(state.marginals * log_x)),
            "log_states": float(
                state.marginals[0] @ dirichlets.expected_log(state.start)
                + np.sum(state.pairs * dirichlets.expected_log(state.transitions))
            ),
            "entropy_states": state.entropy,
            "minus_kl_start": -dirichlets.kl(state.start, self.alpha),
            "minus_kl_transitions": -dirichlets.kl(state.transitions, self.alpha),
            "minus_kl_emissions": -float(np.sum(state.emissions.kl(self.reading.prior))),
        }

    def log_joint(self, draws: Arrays) -> np.ndarray:
        """Return ln p(x, z, start, transitions, theta), from the story alone."""
        return np.sum(list(self.terms(draws).values()), axis=0)

    def terms(self, draws: Arrays) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each."""
        z, start, transitions = draws["states"], draws["start"], draws["transitions"]
        log_theta, log_x = components_of(self.reading.prior)(self.reading.prior, self.x, draws)
        row = np.arange(len(z))[:, np.newaxis]
        log_z = np.log(start[row[:, 0], z[:, 0]])
        log_z = log_z + np.log(transitions[row, z[:, :-1], z[:, 1:]]).sum(axis=1)
        alpha = np.full(self.k, self.alpha)
        return {
            "log_likelihood": np.take_along_axis(log_x, z[:, np.newaxis], axis=1)[:, 0].sum(axis=1),
            "log_states": log_z,
            "log_prior_start": log_dirichlet(start, alpha),
            "log_prior_transitions": log_dirichlet(transitions, alpha).sum(axis=1),
            "log_prior_emissions": log_theta.sum(axis=1),
        }

    def parameters(self, state: State, factor: str) -> dict[str, np.ndarray]:
        """Return what a factor is made of."""
        if factor == "states":
            return state.potentials | {
                name: np.exp(state.potentials[name]) for name in ("start", "transitions")
            }
        if factor == "emissions":
            return self.reading.numbers(state.emissions)
        return {"alpha": getattr(state, factor)}

    def with_parameters(self, state: State, factor: str, parameters: dict[str, np.ndarray]) -> State:
        """Return the state with a factor made of these."""
        if factor == "states":
            chances = {name: np.log(parameters[name]) for name in ("start", "transitions")}
            return self._with_potentials(state, {**parameters, **chances})
        if factor == "emissions":
            return replace(state, emissions=self.reading.posterior(**parameters))
        return replace(state, **{factor: parameters["alpha"]})

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n draws of ``states`` (n, T), ``start`` (n, K), ``transitions`` (n, K, K), or of theta."""
        if factor == "states":
            return {"states": self._paths(state.potentials, rng, n)}
        if factor == "emissions":
            return state.emissions.sample(rng, n)
        return {factor: dirichlet_draws(rng, n, getattr(state, factor))}

    def log_density(self, state: State, factor: str, values: Arrays) -> np.ndarray:
        """Return ln q, shape (S,)."""
        if factor == "states":
            z, own = values["states"], state.potentials
            found = own["start"][z[:, 0]] + own["transitions"][z[:, :-1], z[:, 1:]].sum(axis=1)
            found = found + own["frames"][np.arange(z.shape[1]), z].sum(axis=1)
            return found - np.logaddexp.reduce(messages(own)[0][-1])
        if factor == "emissions":
            return state.emissions.log_density(values).sum(axis=1)
        found = log_dirichlet(values[factor], getattr(state, factor))
        return found if factor == "start" else found.sum(axis=1)

    def own(self) -> "ChainOfTheirs":
        """Return the same model with our updates."""
        prior = self.reading.prior
        return ChainOfTheirs(self.x, self.k, own_reading(prior), self.alpha, ours(self.x, prior, self.alpha))

    def assignments_of(self, state: State) -> np.ndarray:
        """Return the marginals of the states."""
        return state.marginals

    def given(self, assignments: np.ndarray) -> State:
        """Return the exact posterior given the whole path, (T,)."""
        path = np.eye(self.k)[assignments]
        made = exact_m_step(self.x, self.reading.prior, self.alpha, path, path[:-1].T @ path[1:])
        return State({}, path, path[:-1].T @ path[1:], 0.0, *made)

    def _with_potentials(self, state: State, potentials: Potentials) -> State:
        marginals, pairs, entropy = moments(potentials)
        return replace(state, potentials=potentials, marginals=marginals, pairs=pairs, entropy=entropy)

    def _paths(self, potentials: Potentials, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw paths forwards, each state given the one before by the backward messages."""
        _, backward = messages(potentials)
        onwards = potentials["frames"] + backward
        z = np.empty((n, len(onwards)), dtype=np.intp)
        log_p = np.broadcast_to(potentials["start"], (n, self.k))
        for t in range(len(onwards)):
            gumbel = -np.log(rng.standard_exponential((n, self.k)))
            z[:, t] = np.argmax(log_p + onwards[t] + gumbel, axis=1)
            log_p = potentials["transitions"][z[:, t]]
        return z


def exact_m_step(
    x: np.ndarray, prior: Any, alpha: float, marginals: np.ndarray, pairs: np.ndarray
) -> Posteriors:
    """Return the optimal posteriors, prior plus expected counts."""
    emissions = prior.updated(marginals.T @ prior.statistics(x))
    return alpha + marginals[0], alpha + pairs, emissions


def ours(x: np.ndarray, prior: Any, alpha: float) -> Steps:
    """Return the right steps for a chain with these priors."""

    def m_step(potentials: Potentials) -> Posteriors:
        marginals, pairs, _ = moments(potentials)
        return exact_m_step(x, prior, alpha, marginals, pairs)

    def e_step(posteriors: Posteriors) -> Potentials:
        start, transitions, emissions = posteriors
        return {
            "start": dirichlets.expected_log(start),
            "transitions": dirichlets.expected_log(transitions),
            "frames": emissions.expected_log_likelihood(x),
        }

    return m_step, e_step
