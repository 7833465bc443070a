"""The textbook mixture: normals of unknown mean and known variance, equal weights.

The story, for K components and N points::

    mu_k ~ N(0, sigma2)
    c_i  ~ Categorical(1/K, ..., 1/K)
    x_i  ~ N(mu_{c_i}, 1)

The mean field is q(c) q(mu), with q(c_i = k) = r_ik and q(mu_k) = N(m_k, s2_k). With N_k = sum_i r_ik,

    ln q*(c_i = k) = x_i E[mu_k] - E[mu_k^2] / 2 + const,     E[mu_k^2] = m_k^2 + s2_k
    ln q*(mu_k)    = -mu_k^2 / (2 sigma2) - sum_i r_ik (x_i - mu_k)^2 / 2 + const.

Source: Blei, Kucukelbir & McAuliffe (2017), section 3.
"""

import numpy as np
from scipy.special import logsumexp, xlogy

from examples.mutations.densities import Draws, assignment_draws, log_assignments, log_normal

DATA = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])

State = dict[str, np.ndarray]


class LogJoint:
    """ln p(x, c, mu), written from the story alone."""

    variables = ("mu", "assignments")

    def __init__(self, x: np.ndarray = DATA, n_components: int = 2, sigma2: float = 25.0) -> None:
        self.x, self.n_components, self.sigma2 = x, n_components, sigma2

    def __call__(self, z: Draws) -> np.ndarray:
        """Return one log density per draw, shape (S,)."""
        return np.sum(list(self.terms(z).values()), axis=0)

    def terms(self, z: Draws) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each, so that the bound can be checked term by term."""
        mu, c = z["mu"], z["assignments"]
        means = np.take_along_axis(mu, c, axis=1)  # (S, N)
        return {
            "ln p(mu)": log_normal(mu, 0.0, self.sigma2).sum(axis=1),
            "ln p(c)": np.full(len(mu), -len(self.x) * np.log(self.n_components)),
            "ln p(x | c, mu)": log_normal(self.x, means, 1.0).sum(axis=1),
        }


class Derivation:
    """The updates and the bound, as derived above. A state holds r (N, K), m (K,) and s2 (K,)."""

    # What each factor is made of.
    parts = {"components": ("m", "s2"), "assignments": ("r",)}
    factors = tuple(parts)

    def __init__(self, x: np.ndarray = DATA, n_components: int = 2, sigma2: float = 25.0) -> None:
        self.x, self.n_components, self.sigma2 = x, n_components, sigma2

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        k = self.n_components
        r = rng.dirichlet(np.ones(k), size=len(self.x))
        return {"r": r, "m": rng.normal(0, 2, k), "s2": rng.gamma(2.0, 0.2, k)}

    def update(self, state: State, factor: str) -> State:
        """Set one factor to its optimum given the other."""
        return self.components(state) if factor == "components" else self.assignments(state)

    def components(self, state: State) -> State:
        """q(mu_k) = N(m_k, s2_k): what is quadratic in mu_k is a normal."""
        r = state["r"]
        N_k = r.sum(axis=0)
        s2 = 1 / (1 / self.sigma2 + N_k)
        m = s2 * (r.T @ self.x)
        return {**state, "m": m, "s2": s2}

    def assignments(self, state: State) -> State:
        """q(c_i = k) = r_ik, normalised over k."""
        m, s2 = state["m"], state["s2"]
        log_r = np.outer(self.x, m) - (m**2 + s2) / 2
        r = np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))
        return {**state, "r": r}

    def elbo(self, state: State) -> dict[str, float]:
        """E[ln p] - E[ln q], term by term."""
        x, sigma2, n = self.x, self.sigma2, len(self.x)
        r, m, s2 = state["r"], state["m"], state["s2"]
        square = (x[:, np.newaxis] - m) ** 2 + s2
        return {
            "ln p(x | c, mu)": -n / 2 * np.log(2 * np.pi) - np.sum(r * square) / 2,
            "ln p(c)": -n * np.log(self.n_components),
            "ln p(mu)": np.sum(-0.5 * np.log(2 * np.pi * sigma2) - (m**2 + s2) / (2 * sigma2)),
            "entropy_assignments": -np.sum(xlogy(r, r)),
            "entropy_components": np.sum(0.5 * np.log(2 * np.pi * s2) + 0.5),
        }

    def parameters(self, state: State, factor: str) -> State:
        """Return what a factor is made of."""
        return {name: state[name] for name in self.parts[factor]}

    def with_parameters(self, state: State, factor: str, parameters: State) -> State:
        """Return the state with a factor made of these."""
        return {**state, **parameters}

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `mu` (n, K) or `assignments` (n, N)."""
        if factor == "components":
            return {"mu": rng.normal(state["m"], np.sqrt(state["s2"]), (n, self.n_components))}
        return {"assignments": assignment_draws(rng, n, state["r"])}

    def log_density(self, state: State, factor: str, values: Draws) -> np.ndarray:
        """Return ln q(mu) or ln q(c), shape (S,)."""
        if factor == "components":
            return log_normal(values["mu"], state["m"], state["s2"]).sum(axis=1)
        return log_assignments(values["assignments"], state["r"])
