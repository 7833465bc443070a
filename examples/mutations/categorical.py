"""Categories: a latent class model with D categorical features of C categories each, and unknown weights.

The story, for K components and N points::

    p_kd ~ Dirichlet(gamma0, ..., gamma0), of C categories
    pi   ~ Dirichlet(alpha0, ..., alpha0), of K components
    c_i  ~ Categorical(pi)
    x_id ~ Categorical(p_{c_i, d})

The mean field is q(c) q(p) q(pi), with q(p_kd) = Dirichlet(gamma_kd) and q(pi) = Dirichlet(alpha):

    gamma_kdc      = gamma0 + sum_i r_ik [x_id = c]
    ln q*(c_i = k) = E[ln pi_k] + sum_d E[ln p_kd at x_id] + const
    E[ln p_kdc]    = psi(gamma_kdc) - psi(sum_c gamma_kdc), whose second part differs between components.

Source: Bishop, PRML (2006), sections 2.2 and 9.3.3, and equation B.21.
"""

import numpy as np
from scipy.special import digamma, logsumexp, xlogy

from examples.mutations.densities import (
    Draws,
    assignment_draws,
    dirichlet_draws,
    log_assignments,
    log_c,
    log_dirichlet,
)

DATA = np.array([[0, 0], [0, 0], [0, 1], [1, 0], [2, 1], [2, 2], [1, 2], [2, 2], [0, 0]])
N_CATEGORIES = 3
GAMMA0, ALPHA0 = 1.5, 2.0

State = dict[str, np.ndarray]


class LogJoint:
    """ln p(x, c, p, pi), written from the story alone."""

    variables = ("probability", "weights", "assignments")

    def __init__(self, x: np.ndarray = DATA) -> None:
        self.x = x

    def __call__(self, z: Draws) -> np.ndarray:
        """Return one log density per draw, shape (S,)."""
        return np.sum(list(self.terms(z).values()), axis=0)

    def terms(self, z: Draws) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each, so that the bound can be checked term by term."""
        p, weights, c = z["probability"], z["weights"], z["assignments"]
        draw = np.arange(len(p))[:, np.newaxis]
        log_x = [np.log(p[draw, c, d, self.x[:, d]]).sum(axis=1) for d in range(self.x.shape[1])]
        return {
            "ln p(p)": log_dirichlet(p, np.full(N_CATEGORIES, GAMMA0)).sum(axis=(1, 2)),
            "ln p(pi)": log_dirichlet(weights, np.full(weights.shape[1], ALPHA0)),
            "ln p(c | pi)": np.log(weights[draw, c]).sum(axis=1),
            "ln p(x | c, p)": np.sum(log_x, axis=0),
        }


class Derivation:
    """The updates and the bound. A state holds r (N, K), gamma (K, D, C) and alpha (K,)."""

    # What each factor is made of.
    parts = {"components": ("gamma",), "weights": ("alpha",), "assignments": ("r",)}
    factors = tuple(parts)

    def __init__(self, x: np.ndarray = DATA, n_components: int = 2) -> None:
        self.x, self.n_components = x, n_components
        self.is_category = (x[:, :, np.newaxis] == np.arange(N_CATEGORIES)).astype(float)  # (N, D, C)

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        k, d = self.n_components, self.x.shape[1]
        return {
            "r": rng.dirichlet(np.ones(k), size=len(self.x)),
            "gamma": rng.uniform(1, 6, (k, d, N_CATEGORIES)),
            "alpha": rng.uniform(1, 8, k),
        }

    def update(self, state: State, factor: str) -> State:
        """Set one factor to its optimum given the others."""
        steps = {"components": self.components, "weights": self.weights, "assignments": self.assignments}
        return steps[factor](state)

    def components(self, state: State) -> State:
        """q(p_kd) = Dirichlet(gamma_kd): the expected counts of the categories are added to the prior's."""
        counts = np.einsum("ik,idc->kdc", state["r"], self.is_category)
        gamma = GAMMA0 + counts
        return {**state, "gamma": gamma}

    def weights(self, state: State) -> State:
        """q(pi) = Dirichlet(alpha): the expected counts of the components are added to the prior's."""
        N_k = state["r"].sum(axis=0)
        alpha = ALPHA0 + N_k
        return {**state, "alpha": alpha}

    def assignments(self, state: State) -> State:
        """q(c_i = k) = r_ik, from the expected logs of pi and p."""
        gamma, alpha = state["gamma"], state["alpha"]
        log_p = digamma(gamma) - digamma(gamma.sum(axis=2, keepdims=True))
        log_pi = digamma(alpha)  # - psi(sum alpha), the same for every k
        log_r = log_pi + np.einsum("idc,kdc->ik", self.is_category, log_p)
        return {**state, "r": np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))}

    def elbo(self, state: State) -> dict[str, float]:
        """E[ln p] - E[ln q], term by term."""
        r, gamma, alpha = state["r"], state["gamma"], state["alpha"]
        log_weights = digamma(alpha) - digamma(alpha.sum())  # E[ln pi]
        e_log_p = digamma(gamma) - digamma(gamma.sum(axis=-1, keepdims=True))  # E[ln p], (K, D, C)
        prior = np.full(gamma.shape, GAMMA0)
        return {
            "ln p(x | c, p)": np.einsum("ik,idc,kdc->", r, self.is_category, e_log_p),
            "ln p(c | pi)": np.sum(r * log_weights),
            "ln p(pi)": log_c(np.full(len(alpha), ALPHA0)) + np.sum((ALPHA0 - 1) * log_weights),
            "ln p(p)": np.sum(log_c(prior)) + np.sum((GAMMA0 - 1) * e_log_p),
            "entropy_assignments": -np.sum(xlogy(r, r)),
            "entropy_weights": -log_c(alpha) - np.sum((alpha - 1) * log_weights),
            "entropy_components": -np.sum(log_c(gamma)) - np.sum((gamma - 1) * e_log_p),
        }

    def parameters(self, state: State, factor: str) -> State:
        """Return what a factor is made of."""
        return {name: state[name] for name in self.parts[factor]}

    def with_parameters(self, state: State, factor: str, parameters: State) -> State:
        """Return the state with a factor made of these."""
        return {**state, **parameters}

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `probability` (n, K, D, C), `weights` (n, K) or `assignments` (n, N)."""
        if factor == "components":
            return {"probability": dirichlet_draws(rng, n, state["gamma"])}
        if factor == "weights":
            return {"weights": dirichlet_draws(rng, n, state["alpha"])}
        return {"assignments": assignment_draws(rng, n, state["r"])}

    def log_density(self, state: State, factor: str, values: Draws) -> np.ndarray:
        """Return ln q(p), ln q(pi) or ln q(c), shape (S,)."""
        if factor == "components":
            return log_dirichlet(values["probability"], state["gamma"]).sum(axis=(1, 2))
        if factor == "weights":
            return log_dirichlet(values["weights"], state["alpha"])
        return log_assignments(values["assignments"], state["r"])
