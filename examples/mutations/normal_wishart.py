"""Normals in D dimensions with unknown means, precision matrices and weights: Bishop's section 10.2.

The story, for K components and N points::

    Lambda_k ~ Wishart(nu0, W0)
    mu_k     ~ N(m0, (beta0 Lambda_k)^-1)
    pi       ~ Dirichlet(alpha0, ..., alpha0)
    c_i      ~ Categorical(pi)
    x_i      ~ N(mu_{c_i}, Lambda_{c_i}^-1)

The mean field is q(c) q(mu, Lambda) q(pi), with q(mu_k, Lambda_k) = N(mu_k | m_k, (beta_k Lambda_k)^-1)
Wishart(Lambda_k | nu_k, W_k) and q(pi) = Dirichlet(alpha). What the updates need of it:

    E[ln |Lambda|] = sum_{d=1..D} psi((nu + 1 - d) / 2) + D ln 2 + ln |W|
    E[(x - mu)' Lambda (x - mu)] = D / beta + nu (x - m)' W (x - m)
    E[ln pi_k] = psi(alpha_k) - psi(sum alpha).

Source: Bishop, PRML (2006), section 10.2, with the published correction nu_k = nu0 + N_k of equation 10.63.
"""

import numpy as np
from scipy.special import digamma, logsumexp, xlogy

from examples.mutations.densities import (
    Draws,
    assignment_draws,
    dirichlet_draws,
    log_assignments,
    log_b,
    log_c,
    log_dirichlet,
    log_normal_precision,
    log_wishart,
    wishart_draws,
)

DATA = np.array(
    [
        [-2.1, -1.0],
        [-1.6, -1.9],
        [-1.1, -0.4],
        [-2.5, -1.4],
        [1.2, 0.3],
        [1.9, 1.8],
        [2.4, 0.9],
        [1.5, 1.1],
        [2.2, 2.4],
    ]
)
M0, BETA0, NU0, ALPHA0 = np.array([0.3, -0.2]), 0.4, 4.0, 2.0
W0_INVERSE = np.array([[2.0, 0.5], [0.5, 1.0]])

State = dict[str, np.ndarray]


class LogJoint:
    """ln p(x, c, mu, Lambda, pi), written from the story alone."""

    variables = ("mu", "precision", "weights", "assignments")

    def __init__(self, x: np.ndarray = DATA) -> None:
        self.x = x

    def __call__(self, z: Draws) -> np.ndarray:
        """Return one log density per draw, shape (S,)."""
        return np.sum(list(self.terms(z).values()), axis=0)

    def terms(self, z: Draws) -> dict[str, np.ndarray]:
        """Return its parts by name, (S,) each, so that the bound can be checked term by term."""
        mu, precision, weights, c = (z[name] for name in ("mu", "precision", "weights", "assignments"))
        log_x = np.zeros(len(mu))
        for k in range(mu.shape[1]):
            of_k = log_normal_precision(self.x, mu[:, k, np.newaxis], precision[:, k, np.newaxis])  # (S, N)
            log_x += np.sum(of_k, axis=1, where=c == k)
        return {
            "ln p(Lambda)": log_wishart(precision, np.array(NU0), W0_INVERSE).sum(axis=1),
            "ln p(mu | Lambda)": log_normal_precision(mu, M0, BETA0 * precision).sum(axis=1),
            "ln p(pi)": log_dirichlet(weights, np.full(weights.shape[1], ALPHA0)),
            "ln p(c | pi)": np.take_along_axis(np.log(weights), c, axis=1).sum(axis=1),
            "ln p(x | c, mu, Lambda)": log_x,
        }


class Derivation:
    """The updates and the bound.

    A state holds r (N, K), m (K, D), beta, nu and alpha (K,), W_inverse (K, D, D), and what `components` last
    made of r, for whoever wants to print it: N_k (K,), centre (K, D) and scatter (K, D, D).
    """

    # What each factor is made of.
    parts = {"components": ("m", "beta", "nu", "W_inverse"), "weights": ("alpha",), "assignments": ("r",)}
    factors = tuple(parts)

    def __init__(self, x: np.ndarray = DATA, n_components: int = 2) -> None:
        self.x, self.n_components = x, n_components

    def initial(self, rng: np.random.Generator) -> State:
        """Return a random state."""
        k, d = self.n_components, self.x.shape[1]
        r, a = rng.dirichlet(np.ones(k), size=len(self.x)), rng.normal(size=(k, d, d + 2))
        return {
            "r": r,
            "m": rng.normal(0, 1.5, (k, d)),
            "beta": rng.uniform(1, 6, k),
            "nu": rng.uniform(4, 10, k),
            "W_inverse": a @ np.swapaxes(a, 1, 2) + np.eye(d),
            "alpha": rng.uniform(1, 8, k),
            **self.statistics(r),
        }

    def statistics(self, r: np.ndarray) -> State:
        """N_k, the centres of the components and their scatter, not divided by N_k (10.51 to 10.53)."""
        N_k = r.sum(axis=0)
        centre = r.T @ self.x / np.maximum(N_k, 1e-300)[:, np.newaxis]  # of an empty component, anything
        away = self.x[:, np.newaxis] - centre  # (N, K, D)
        return {"N_k": N_k, "centre": centre, "scatter": np.einsum("nk,nki,nkj->kij", r, away, away)}

    def update(self, state: State, factor: str) -> State:
        """Set one factor to its optimum given the others."""
        steps = {"components": self.components, "weights": self.weights, "assignments": self.assignments}
        return steps[factor](state)

    def components(self, state: State) -> State:
        """q(mu_k, Lambda_k), equations 10.60 to 10.63."""
        statistics = self.statistics(state["r"])
        N_k, centre, scatter = statistics["N_k"], statistics["centre"], statistics["scatter"]
        off = centre - M0
        beta = BETA0 + N_k
        nu = NU0 + N_k
        m = (BETA0 * M0 + N_k[:, np.newaxis] * centre) / beta[:, np.newaxis]
        shrink = BETA0 * N_k / beta
        W_inverse = W0_INVERSE + scatter + np.einsum("k,ki,kj->kij", shrink, off, off)
        return {**state, "m": m, "beta": beta, "nu": nu, "W_inverse": W_inverse, **statistics}

    def weights(self, state: State) -> State:
        """q(pi) = Dirichlet(alpha), equation 10.58."""
        return {**state, "alpha": ALPHA0 + state["r"].sum(axis=0)}

    def assignments(self, state: State) -> State:
        """q(c_n = k) = r_nk, equations 10.46, 10.49 and 10.64 to 10.66."""
        m, beta, nu, alpha = (state[name] for name in ("m", "beta", "nu", "alpha"))
        W, dims = np.linalg.inv(state["W_inverse"]), self.x.shape[1]
        d = np.arange(1, dims + 1)
        log_det = digamma((nu[:, np.newaxis] + 1 - d) / 2).sum(axis=1) + np.linalg.slogdet(W)[1]
        away = self.x[:, np.newaxis] - m  # (N, K, D)
        square = dims / beta + nu * np.einsum("nki,kij,nkj->nk", away, W, away)
        log_r = digamma(alpha) + log_det / 2 - square / 2
        return {**state, "r": np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))}

    def elbo(self, state: State) -> dict[str, float]:
        """E[ln p] - E[ln q], term by term: equations 10.71 to 10.77."""
        r, m, beta, nu, alpha = (state[name] for name in ("r", "m", "beta", "nu", "alpha"))
        W, D, log_2pi = np.linalg.inv(state["W_inverse"]), self.x.shape[1], np.log(2 * np.pi)
        e_log_pi = digamma(alpha) - digamma(alpha.sum())
        e_log_det = sum(digamma((nu - j) / 2) for j in range(D)) + D * np.log(2) + np.linalg.slogdet(W)[1]
        e_lambda = nu[:, np.newaxis, np.newaxis] * W
        statistics = self.statistics(r)
        N_k, centre, scatter = statistics["N_k"], statistics["centre"], statistics["scatter"]
        scatter = scatter + np.einsum("k,ki,kj->kij", N_k, centre - m, centre - m)  # around m_k
        from_prior = np.einsum("ki,kij,kj->k", m - M0, e_lambda, m - M0) + D / beta
        trace_0 = np.einsum("ij,kji->k", W0_INVERSE, e_lambda)
        in_lambda = (NU0 - D - 1) / 2 * e_log_det - trace_0 / 2
        in_mu = D * np.log(BETA0) - D * log_2pi + e_log_det - BETA0 * from_prior
        in_x = N_k * (e_log_det - D / beta - D * log_2pi) - np.einsum("kij,kji->k", scatter, e_lambda)
        of_mu = (D * (1 + log_2pi) - D * np.log(beta) - e_log_det) / 2
        of_lambda = -log_b(nu, state["W_inverse"]) - (nu - D - 1) / 2 * e_log_det + nu * D / 2
        return {
            "ln p(x | c, mu, Lambda)": np.sum(in_x) / 2,
            "ln p(c | pi)": np.sum(r * e_log_pi),
            "ln p(pi)": log_c(np.full(len(alpha), ALPHA0)) + np.sum((ALPHA0 - 1) * e_log_pi),
            "ln p(mu | Lambda)": np.sum(in_mu) / 2,
            "ln p(Lambda)": len(nu) * log_b(np.array(NU0), W0_INVERSE) + np.sum(in_lambda),
            "entropy_assignments": -np.sum(xlogy(r, r)),
            "entropy_weights": -log_c(alpha) - np.sum((alpha - 1) * e_log_pi),
            "entropy_components": np.sum(of_mu + of_lambda),
        }

    def parameters(self, state: State, factor: str) -> State:
        """Return what a factor is made of."""
        return {name: state[name] for name in self.parts[factor]}

    def with_parameters(self, state: State, factor: str, parameters: State) -> State:
        """Return the state with a factor made of these."""
        return {**state, **parameters}

    def sample(self, state: State, factor: str, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws: `mu` (n, K, D) with `precision` (n, K, D, D), `weights`, or `assignments`."""
        if factor == "components":
            precision = wishart_draws(rng, n, state["nu"], state["W_inverse"])
            root = np.linalg.cholesky(precision)  # precision = root root'
            noise = rng.standard_normal((n, *state["m"].shape, 1))
            away = np.linalg.solve(np.swapaxes(root, -1, -2), noise)[..., 0]  # of covariance precision^-1
            return {"mu": state["m"] + away / np.sqrt(state["beta"])[:, np.newaxis], "precision": precision}
        if factor == "weights":
            return {"weights": dirichlet_draws(rng, n, state["alpha"])}
        return {"assignments": assignment_draws(rng, n, state["r"])}

    def log_density(self, state: State, factor: str, values: Draws) -> np.ndarray:
        """Return ln q(mu, Lambda), ln q(pi) or ln q(c), shape (S,)."""
        if factor == "components":
            beta = state["beta"][:, np.newaxis, np.newaxis]
            log_q = log_wishart(values["precision"], state["nu"], state["W_inverse"])
            log_q += log_normal_precision(values["mu"], state["m"], beta * values["precision"])
            return log_q.sum(axis=1)
        if factor == "weights":
            return log_dirichlet(values["weights"], state["alpha"])
        return log_assignments(values["assignments"], state["r"])
