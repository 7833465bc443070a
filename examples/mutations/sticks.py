"""A Dirichlet process cut off after T components: normals of known variance, weights by breaking a stick.

The story, for T components and N points::

    v_t  ~ Beta(1, alpha) for t < T,     v_T = 1
    pi_t = v_t prod_{j<t} (1 - v_j)
    mu_t ~ N(0, sigma2)
    c_i  ~ Categorical(pi)
    x_i  ~ N(mu_{c_i}, 1)

The mean field is q(c) q(mu) q(v), with q(mu_t) = N(m_t, s2_t) and q(v_t) = Beta(g1_t, g2_t), t < T. A point
tells stick t "here" if c_i = t, "further on" if c_i > t, and nothing otherwise:

    g1_t = 1 + N_t,     g2_t = alpha + sum_{j>t} N_j
    E[ln v_t] = psi(g1_t) - psi(g1_t + g2_t),     E[ln(1 - v_t)] = psi(g2_t) - psi(g1_t + g2_t)
    E[ln pi_t] = E[ln v_t] + sum_{j<t} E[ln(1 - v_j)].

Source: Blei & Jordan (2006), section 3.
"""

import numpy as np
from scipy.special import betaln, digamma, logsumexp, xlogy

from examples.mutations.densities import Draws, assignment_draws, log_assignments, log_beta, log_normal

DATA = np.array([-3.1, -2.5, -2.2, 0.1, 0.6, 2.1, 2.4, 3.2])
SIGMA2, ALPHA = 9.0, 1.6

State = dict[str, np.ndarray]


class LogJoint:
    """ln p(x, c, mu, v), written from the story alone."""

    variables = ("mu", "v", "assignments")

    def __init__(self, x: np.ndarray = DATA) -> None:
        self.x = x

    def __call__(self, z: Draws) -> np.ndarray:
        """Return one log density per draw, shape (S,)."""
        return np.sum(list(self.terms(z).values()), axis=0)

    def terms(self, z: Draws) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each, so that the bound can be checked term by term."""
        mu, v, c = z["mu"], z["v"], z["assignments"]
        pi, rest = np.empty(mu.shape), np.ones(len(mu))
        for t in range(v.shape[1]):
            pi[:, t] = rest * v[:, t]
            rest = rest * (1 - v[:, t])
        pi[:, -1] = rest
        return {
            "ln p(v)": log_beta(v, 1.0, ALPHA).sum(axis=1),
            "ln p(mu)": log_normal(mu, 0.0, SIGMA2).sum(axis=1),
            "ln p(c | v)": np.take_along_axis(np.log(pi), c, axis=1).sum(axis=1),
            "ln p(x | c, mu)": log_normal(self.x, np.take_along_axis(mu, c, axis=1), 1.0).sum(axis=1),
        }


class Derivation:
    """The updates and the bound. A state holds r (N, T), m and s2 (T,), g1 and g2 (T-1,)."""

    # What each factor is made of.
    parts = {"components": ("m", "s2"), "sticks": ("g1", "g2"), "assignments": ("r",)}
    factors = tuple(parts)

    def __init__(self, x: np.ndarray = DATA, n_components: int = 3) -> None:
        self.x, self.n_components = x, n_components

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        t = self.n_components
        return {
            "r": rng.dirichlet(np.ones(t), size=len(self.x)),
            "m": rng.normal(0, 2, t),
            "s2": rng.gamma(2.0, 0.2, t),
            "g1": rng.uniform(1, 6, t - 1),
            "g2": rng.uniform(1, 6, t - 1),
        }

    def update(self, state: State, factor: str) -> State:
        """Set one factor to its optimum given the others."""
        steps = {"components": self.components, "sticks": self.sticks, "assignments": self.assignments}
        return steps[factor](state)

    def components(self, state: State) -> State:
        """q(mu_t) = N(m_t, s2_t)."""
        r = state["r"]
        s2 = 1 / (1 / SIGMA2 + r.sum(axis=0))
        return {**state, "m": s2 * (r.T @ self.x), "s2": s2}

    def sticks(self, state: State) -> State:
        """q(v_t) = Beta(g1_t, g2_t), Blei & Jordan's equations 18 and 19."""
        N_t = state["r"].sum(axis=0)
        later = N_t.sum() - np.cumsum(N_t)  # sum_{j>t} N_j
        g1 = 1 + N_t[:-1]
        g2 = ALPHA + later[:-1]
        return {**state, "g1": g1, "g2": g2}

    def log_weights(self, state: State) -> np.ndarray:
        """E[ln pi_t], shape (T,)."""
        g1, g2 = state["g1"], state["g2"]
        log_v = digamma(g1) - digamma(g1 + g2)
        log_1mv = digamma(g2) - digamma(g1 + g2)
        before = np.append(0.0, np.cumsum(log_1mv))  # sum_{j<t} E[ln(1 - v_j)]
        return before + np.append(log_v, 0.0)

    def assignments(self, state: State) -> State:
        """Normalise r, ln r_it = E[ln pi_t] + x_i E[mu_t] - E[mu_t^2] / 2 + const."""
        m, s2 = state["m"], state["s2"]
        log_r = self.log_weights(state) + np.outer(self.x, m) - (m**2 + s2) / 2
        return {**state, "r": np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))}

    def elbo(self, state: State) -> dict[str, float]:
        """E[ln p] - E[ln q], term by term."""
        r, m, s2, g1, g2 = (state[name] for name in ("r", "m", "s2", "g1", "g2"))
        e_log_v = digamma(g1) - digamma(g1 + g2)  # E[ln v]
        e_log_rest = digamma(g2) - digamma(g1 + g2)  # E[ln(1 - v)]
        further = len(self.x) - np.cumsum(r.sum(axis=0))[:-1]  # sum_{j>t} N_j
        square = (self.x[:, np.newaxis] - m) ** 2 + s2
        return {
            "ln p(x | c, mu)": np.sum(r * (-0.5 * np.log(2 * np.pi) - square / 2)),
            "ln p(c | v)": r.sum(axis=0)[:-1] @ e_log_v + further @ e_log_rest,
            "ln p(v)": np.sum(np.log(ALPHA) + (ALPHA - 1) * e_log_rest),
            "ln p(mu)": np.sum(-0.5 * np.log(2 * np.pi * SIGMA2) - (m**2 + s2) / (2 * SIGMA2)),
            "entropy_assignments": -np.sum(xlogy(r, r)),
            "entropy_sticks": np.sum(betaln(g1, g2) - (g1 - 1) * e_log_v - (g2 - 1) * e_log_rest),
            "entropy_components": np.sum(0.5 * np.log(2 * np.pi * s2) + 0.5),
        }

    def parameters(self, state: State, factor: str) -> State:
        """Return what a factor is made of."""
        return {name: state[name] for name in self.parts[factor]}

    def with_parameters(self, state: State, factor: str, parameters: State) -> State:
        """Return the state with a factor made of these."""
        return {**state, **parameters}

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `mu` (n, T), `v` (n, T-1) or `assignments` (n, N)."""
        if factor == "components":
            return {"mu": rng.normal(state["m"], np.sqrt(state["s2"]), (n, self.n_components))}
        if factor == "sticks":
            return {"v": rng.beta(state["g1"], state["g2"], (n, self.n_components - 1))}
        return {"assignments": assignment_draws(rng, n, state["r"])}

    def log_density(self, state: State, factor: str, values: Draws) -> np.ndarray:
        """Return ln q(mu), ln q(v) or ln q(c), shape (S,)."""
        if factor == "components":
            return log_normal(values["mu"], state["m"], state["s2"]).sum(axis=1)
        if factor == "sticks":
            return log_beta(values["v"], state["g1"], state["g2"]).sum(axis=1)
        return log_assignments(values["assignments"], state["r"])
