"""Counts: a mixture of Poissons with unknown rates and unknown weights.

The story, for K components and N points::

    rate_k ~ Gamma(a0, rate b0)
    pi     ~ Dirichlet(alpha0, ..., alpha0)
    c_i    ~ Categorical(pi)
    x_i    ~ Poisson(rate_{c_i})

The mean field is q(c) q(rate) q(pi), with q(rate_k) = Gamma(a_k, b_k) and q(pi) = Dirichlet(alpha):

    ln q*(rate_k)  = (a0 - 1 + sum_i r_ik x_i) ln rate_k - (b0 + N_k) rate_k + const
    ln q*(c_i = k) = E[ln pi_k] + x_i E[ln rate_k] - E[rate_k] + const
    E[ln rate] = psi(a) - ln b,     E[rate] = a / b.

Source: Bishop, PRML (2006), equations 10.9 and B.26 to B.30.
"""

import numpy as np
from scipy.special import digamma, gammaln, logsumexp, xlogy

from examples.mutations.densities import (
    Draws,
    assignment_draws,
    dirichlet_draws,
    log_assignments,
    log_c,
    log_dirichlet,
    log_gamma,
    log_poisson,
)

DATA = np.array([0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 9.0])
A0, B0, ALPHA0 = 1.5, 0.5, 2.0

State = dict[str, np.ndarray]


class LogJoint:
    """ln p(x, c, rate, pi), written from the story alone."""

    variables = ("rate", "weights", "assignments")

    def __init__(self, x: np.ndarray = DATA) -> None:
        self.x = x

    def __call__(self, z: Draws) -> np.ndarray:
        """Return one log density per draw, shape (S,)."""
        return np.sum(list(self.terms(z).values()), axis=0)

    def terms(self, z: Draws) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each, so that the bound can be checked term by term."""
        rate, weights, c = z["rate"], z["weights"], z["assignments"]
        return {
            "ln p(rate)": log_gamma(rate, A0, B0).sum(axis=1),
            "ln p(pi)": log_dirichlet(weights, np.full(weights.shape[1], ALPHA0)),
            "ln p(c | pi)": np.take_along_axis(np.log(weights), c, axis=1).sum(axis=1),
            "ln p(x | c, rate)": log_poisson(self.x, np.take_along_axis(rate, c, axis=1)).sum(axis=1),
        }


class Derivation:
    """The updates and the bound. A state holds r (N, K) and a, b, alpha, (K,) each."""

    # What each factor is made of.
    parts = {"components": ("a", "b"), "weights": ("alpha",), "assignments": ("r",)}
    factors = tuple(parts)

    def __init__(self, x: np.ndarray = DATA, n_components: int = 2) -> None:
        self.x, self.n_components = x, n_components

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        k = self.n_components
        return {
            "r": rng.dirichlet(np.ones(k), size=len(self.x)),
            "a": rng.uniform(2, 20, k),
            "b": rng.uniform(2, 8, k),
            "alpha": rng.uniform(1, 8, k),
        }

    def update(self, state: State, factor: str) -> State:
        """Set one factor to its optimum given the others."""
        steps = {"components": self.components, "weights": self.weights, "assignments": self.assignments}
        return steps[factor](state)

    def components(self, state: State) -> State:
        """q(rate_k): every point adds its count to the shape and itself to the rate."""
        r = state["r"]
        a = A0 + r.T @ self.x
        b = B0 + r.sum(axis=0)
        return {**state, "a": a, "b": b}

    def weights(self, state: State) -> State:
        """q(pi) = Dirichlet(alpha): the expected counts are added to the prior's."""
        return {**state, "alpha": ALPHA0 + state["r"].sum(axis=0)}

    def assignments(self, state: State) -> State:
        """q(c_i = k) = r_ik; ln x_i! is the same for every k."""
        a, b, alpha = state["a"], state["b"], state["alpha"]
        log_pi = digamma(alpha) - digamma(alpha.sum())
        log_rate = digamma(a) - np.log(b)
        log_r = log_pi + np.outer(self.x, log_rate) - a / b
        return {**state, "r": np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))}

    def elbo(self, state: State) -> dict[str, float]:
        """E[ln p] - E[ln q], term by term."""
        r, a, b, alpha = state["r"], state["a"], state["b"], state["alpha"]
        log_weights = digamma(alpha) - digamma(alpha.sum())  # E[ln pi]
        e_log_rate = digamma(a) - np.log(b)  # E[ln rate]
        log_p = np.outer(self.x, e_log_rate) - a / b - gammaln(self.x + 1)[:, np.newaxis]
        return {
            "ln p(x | c, rate)": np.sum(r * log_p),
            "ln p(c | pi)": np.sum(r * log_weights),
            "ln p(pi)": log_c(np.full(len(alpha), ALPHA0)) + np.sum((ALPHA0 - 1) * log_weights),
            "ln p(rate)": np.sum(A0 * np.log(B0) - gammaln(A0) + (A0 - 1) * e_log_rate - B0 * a / b),
            "entropy_assignments": -np.sum(xlogy(r, r)),
            "entropy_weights": -log_c(alpha) - np.sum((alpha - 1) * log_weights),
            "entropy_components": np.sum(a - np.log(b) + gammaln(a) + (1 - a) * digamma(a)),
        }

    def parameters(self, state: State, factor: str) -> State:
        """Return what a factor is made of."""
        return {name: state[name] for name in self.parts[factor]}

    def with_parameters(self, state: State, factor: str, parameters: State) -> State:
        """Return the state with a factor made of these."""
        return {**state, **parameters}

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `rate` (n, K), `weights` (n, K) or `assignments` (n, N)."""
        if factor == "components":
            return {"rate": rng.gamma(state["a"], 1 / state["b"], (n, self.n_components))}
        if factor == "weights":
            return {"weights": dirichlet_draws(rng, n, state["alpha"])}
        return {"assignments": assignment_draws(rng, n, state["r"])}

    def log_density(self, state: State, factor: str, values: Draws) -> np.ndarray:
        """Return ln q(rate), ln q(pi) or ln q(c), shape (S,)."""
        if factor == "components":
            return log_gamma(values["rate"], state["a"], state["b"]).sum(axis=1)
        if factor == "weights":
            return log_dirichlet(values["weights"], state["alpha"])
        return log_assignments(values["assignments"], state["r"])
