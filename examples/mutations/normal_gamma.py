"""Normals of unknown mean and precision, with unknown weights.

The story, for K components and N points::

    lambda_k ~ Gamma(a0, rate b0)
    mu_k     ~ N(m0, 1 / (beta0 lambda_k))
    pi       ~ Dirichlet(alpha0, ..., alpha0)
    c_i      ~ Categorical(pi)
    x_i      ~ N(mu_{c_i}, 1 / lambda_{c_i})

The mean field is q(c) q(mu, lambda) q(pi); mean and precision stay together, so that q(mu_k, lambda_k) is a
Normal-Gamma, N(mu_k | m_k, 1 / (beta_k lambda_k)) Gamma(lambda_k | a_k, b_k), and q(pi) = Dirichlet(alpha).
What the updates need of it:

    E[ln lambda] = psi(a) - ln b,     E[lambda] = a / b,     E[lambda (x - mu)^2] = (a/b) (x - m)^2 + 1/beta
    E[ln pi_k]   = psi(alpha_k) - psi(sum alpha)

Source: Bishop, PRML (2006), sections 2.3.6 and 10.2, for one feature.
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
    log_normal,
)

DATA = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
# No round ones: ln Gamma(2) = ln 1 = 0 would hide mistakes.
M0, BETA0, A0, B0, ALPHA0 = 0.3, 0.4, 2.5, 1.5, 2.0

State = dict[str, np.ndarray]


class LogJoint:
    """ln p(x, c, mu, lambda, pi), written from the story alone."""

    variables = ("mu", "precision", "weights", "assignments")

    def __init__(self, x: np.ndarray = DATA) -> None:
        self.x = x

    def __call__(self, z: Draws) -> np.ndarray:
        """Return one log density per draw, shape (S,)."""
        return np.sum(list(self.terms(z).values()), axis=0)

    def terms(self, z: Draws) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each, so that the bound can be checked term by term."""
        mu, precision, weights, c = (z[name] for name in ("mu", "precision", "weights", "assignments"))
        means, precisions = (np.take_along_axis(values, c, axis=1) for values in (mu, precision))  # (S, N)
        return {
            "ln p(lambda)": log_gamma(precision, A0, B0).sum(axis=1),
            "ln p(mu | lambda)": log_normal(mu, M0, 1 / (BETA0 * precision)).sum(axis=1),
            "ln p(pi)": log_dirichlet(weights, np.full(weights.shape[1], ALPHA0)),
            "ln p(c | pi)": np.take_along_axis(np.log(weights), c, axis=1).sum(axis=1),
            "ln p(x | c, mu, lambda)": log_normal(self.x, means, 1 / precisions).sum(axis=1),
        }


class Derivation:
    """The updates and the bound. A state holds r (N, K) and m, beta, a, b, alpha, (K,) each."""

    # What each factor is made of.
    parts = {"components": ("m", "beta", "a", "b"), "weights": ("alpha",), "assignments": ("r",)}
    factors = tuple(parts)

    def __init__(self, x: np.ndarray = DATA, n_components: int = 2) -> None:
        self.x, self.n_components = x, n_components

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        k = self.n_components
        return {
            "r": rng.dirichlet(np.ones(k), size=len(self.x)),
            "m": rng.normal(0, 2, k),
            "beta": rng.uniform(1, 6, k),
            "a": rng.uniform(3, 7, k),
            "b": rng.uniform(1, 6, k),
            "alpha": rng.uniform(1, 8, k),
        }

    def update(self, state: State, factor: str) -> State:
        """Set one factor to its optimum given the others."""
        steps = {"components": self.components, "weights": self.weights, "assignments": self.assignments}
        return steps[factor](state)

    def components(self, state: State) -> State:
        """q(mu_k, lambda_k), Bishop's equations 10.60 to 10.63 for one feature."""
        r, x = state["r"], self.x
        N_k = r.sum(axis=0)
        centre = r.T @ x / N_k
        scatter = np.sum(r * (x[:, np.newaxis] - centre) ** 2, axis=0)
        beta = BETA0 + N_k
        m = (BETA0 * M0 + N_k * centre) / beta
        a = A0 + N_k / 2
        b = B0 + scatter / 2 + BETA0 * N_k / (2 * beta) * (centre - M0) ** 2
        return {**state, "m": m, "beta": beta, "a": a, "b": b}

    def weights(self, state: State) -> State:
        """q(pi) = Dirichlet(alpha): the expected counts are added to the prior's."""
        return {**state, "alpha": ALPHA0 + state["r"].sum(axis=0)}

    def assignments(self, state: State) -> State:
        """Normalise r, ln r_ik = E[ln pi_k] + E[ln lambda_k] / 2 - E[lambda_k (x_i - mu_k)^2] / 2 + const."""
        m, beta, a, b, alpha = (state[name] for name in ("m", "beta", "a", "b", "alpha"))
        log_pi = digamma(alpha) - digamma(alpha.sum())
        log_precision = digamma(a) - np.log(b)
        square = a / b * (self.x[:, np.newaxis] - m) ** 2 + 1 / beta
        log_r = log_pi + log_precision / 2 - square / 2
        return {**state, "r": np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))}

    def elbo(self, state: State) -> dict[str, float]:
        """E[ln p] - E[ln q], term by term."""
        r, m, beta, a, b, alpha = (state[name] for name in ("r", "m", "beta", "a", "b", "alpha"))
        k, log_2pi = self.n_components, np.log(2 * np.pi)
        log_weights = digamma(alpha) - digamma(alpha.sum())  # E[ln pi]
        log_lambda = digamma(a) - np.log(b)  # E[ln lambda]
        squares = a / b * (self.x[:, np.newaxis] - m) ** 2 + 1 / beta  # E[lambda (x - mu)^2]
        of_mu = (1 + log_2pi - np.log(beta) - log_lambda) / 2  # E[H[q(mu | lambda)]]
        of_lambda = a - np.log(b) + gammaln(a) + (1 - a) * digamma(a)  # H[q(lambda)]
        from_prior = a / b * (m - M0) ** 2 + 1 / beta  # E[lambda (mu - m0)^2]
        return {
            "ln p(x | c, mu, lambda)": np.sum(r * (log_lambda - log_2pi - squares)) / 2,
            "ln p(c | pi)": np.sum(r * log_weights),
            "ln p(pi)": log_c(np.full(k, ALPHA0)) + np.sum((ALPHA0 - 1) * log_weights),
            "ln p(mu | lambda)": np.sum(np.log(BETA0) - log_2pi + log_lambda - BETA0 * from_prior) / 2,
            "ln p(lambda)": np.sum(A0 * np.log(B0) - gammaln(A0) + (A0 - 1) * log_lambda - B0 * a / b),
            "entropy_assignments": -np.sum(xlogy(r, r)),
            "entropy_weights": -log_c(alpha) - np.sum((alpha - 1) * log_weights),
            "entropy_components": np.sum(of_mu + of_lambda),
        }

    def parameters(self, state: State, factor: str) -> State:
        """Return what a factor is made of."""
        return {name: state[name] for name in self.parts[factor]}

    def with_parameters(self, state: State, factor: str, parameters: State) -> State:
        """Return the state with a factor made of these."""
        return {**state, **parameters}

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `mu` and `precision`, (n, K) both, `weights` (n, K) or `assignments` (n, N)."""
        if factor == "components":
            precision = rng.gamma(state["a"], 1 / state["b"], (n, self.n_components))
            mu = rng.normal(state["m"], 1 / np.sqrt(state["beta"] * precision))
            return {"mu": mu, "precision": precision}
        if factor == "weights":
            return {"weights": dirichlet_draws(rng, n, state["alpha"])}
        return {"assignments": assignment_draws(rng, n, state["r"])}

    def log_density(self, state: State, factor: str, values: Draws) -> np.ndarray:
        """Return ln q(mu, lambda), ln q(pi) or ln q(c), shape (S,)."""
        if factor == "components":
            log_q = log_gamma(values["precision"], state["a"], state["b"])
            log_q += log_normal(values["mu"], state["m"], 1 / (state["beta"] * values["precision"]))
            return log_q.sum(axis=1)
        if factor == "weights":
            return log_dirichlet(values["weights"], state["alpha"])
        return log_assignments(values["assignments"], state["r"])
