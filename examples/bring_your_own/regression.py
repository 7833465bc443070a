"""Bayesian linear regression that finds out which predictors matter (automatic relevance determination).

    y_n | beta, tau        ~  N(x_n' beta, 1/tau),         n = 1, ..., N
    beta_d | tau, alpha_d  ~  N(0, 1/(tau alpha_d)),       d = 1, ..., D
    tau                    ~  Gamma(a0, b0)                shape and rate
    alpha_d                ~  Gamma(c0, d0)

    q(beta, tau, alpha) = q(beta, tau) q(alpha)
    q(beta, tau) = N(beta; m, V/tau) Gamma(tau; a, b),     q(alpha) = prod_d Gamma(c, d_d)

The first factor holds two variables that depend on each other, and one of them is a vector.
Sources: Bishop, PRML (2006), sections 7.2.1 and 10.3; Drugowitsch, "Variational Bayesian inference for
linear and logistic regression" (2013), whose section 2.2 has these updates.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln

A0, B0, C0, D0 = 2.0, 2.0, 1.0, 1.0
LOG_2PI = np.log(2 * np.pi)


def simulate(seed=3, n=40):
    """Return predictors (N, 3), the first constant and the last without effect, and responses (N,)."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    return x, x @ np.array([1.0, -2.0, 0.0]) + rng.normal(scale=0.8, size=n)


X, Y = simulate()


@dataclass(frozen=True)
class State:
    """q(beta, tau): m (D,), V (D, D), a, b; q(alpha): c and d (D,)."""

    m: np.ndarray
    v: np.ndarray
    a: float
    b: float
    c: float
    d: np.ndarray


class Derivation:
    """The updates and the bound."""

    factors = ("coefficients", "alpha")

    def __init__(self, x=X, y=Y):
        self.x, self.y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)

    def initial(self, rng):
        """Return a random state."""
        n_predictors = self.x.shape[1]
        root = rng.normal(size=(n_predictors, n_predictors + 2))
        return State(
            m=rng.normal(size=n_predictors),
            v=root @ root.T / 50,
            a=2 + rng.gamma(4.0),
            b=1 + rng.gamma(4.0),
            c=1 + rng.gamma(2.0),
            d=1 + rng.gamma(2.0, size=n_predictors),
        )

    def update(self, state, factor):
        """Return the state with one factor at its optimum given the other."""
        if factor == "alpha":
            second = state.m**2 * state.a / state.b + np.diag(state.v)  # E[tau beta_d^2]
            return replace(state, c=C0 + 1 / 2, d=D0 + second / 2)
        precision = np.diag(state.c / state.d) + self.x.T @ self.x
        v = np.linalg.inv(precision)
        m = v @ self.x.T @ self.y
        b = B0 + (self.y @ self.y - m @ precision @ m) / 2
        return replace(state, m=m, v=v, a=A0 + len(self.y) / 2, b=b)

    def elbo(self, state):
        """Return the bound's terms, in nats."""
        n, n_predictors = self.x.shape
        tau, log_tau = state.a / state.b, digamma(state.a) - np.log(state.b)
        alpha, log_alpha = state.c / state.d, digamma(state.c) - np.log(state.d)
        residual = self.y - self.x @ state.m
        fit = tau * residual @ residual + np.trace(self.x @ state.v @ self.x.T)
        ridge = alpha @ (tau * state.m**2 + np.diag(state.v))
        _, log_det = np.linalg.slogdet(state.v)
        entropy_of_beta = (n_predictors * (1 + LOG_2PI - log_tau) + log_det) / 2  # E over tau
        return {
            "log_likelihood": n / 2 * (log_tau - LOG_2PI) - fit / 2,
            "log_prior_beta": n_predictors / 2 * (log_tau - LOG_2PI) + log_alpha.sum() / 2 - ridge / 2,
            "log_prior_tau": log_gamma_prior(A0, B0, tau, log_tau),
            "log_prior_alpha": log_gamma_prior(C0, D0, alpha, log_alpha).sum(),
            "entropy_coefficients": entropy_of_beta + entropy_gamma(state.a, state.b),
            "entropy_alpha": entropy_gamma(state.c, state.d).sum(),
        }

    def sample(self, state, factor, rng, n):
        """Return n draws: beta (n, D) and tau (n,) together, or alpha (n, D)."""
        if factor == "alpha":
            return rng.gamma(state.c, 1 / state.d, size=(n, len(state.d)))
        tau = rng.gamma(state.a, 1 / state.b, size=n)
        noise = rng.normal(size=(n, len(state.m))) @ np.linalg.cholesky(state.v).T
        return {"beta": state.m + noise / np.sqrt(tau)[:, np.newaxis], "tau": tau}

    def log_density(self, state, factor, values):
        """Return ln q, shape (S,)."""
        if factor == "alpha":
            return log_gamma(values, state.c, state.d).sum(axis=1)
        beta, tau = values["beta"], values["tau"]
        _, log_det = np.linalg.slogdet(state.v)
        deviation = beta - state.m
        distance = np.einsum("sd,de,se->s", deviation, np.linalg.inv(state.v), deviation)
        log_beta = (len(state.m) * (np.log(tau) - LOG_2PI) - log_det - tau * distance) / 2
        return log_beta + log_gamma(tau, state.a, state.b)

    def parameters(self, state, factor):
        """Return what a factor is made of; optional, as is the next, and what makes the checks exact."""
        if factor == "alpha":
            return {"c": state.c, "d": state.d}
        return {"m": state.m, "v": state.v, "a": state.a, "b": state.b}

    def with_parameters(self, state, factor, parameters):
        """Return the state with one factor made of these."""
        return replace(state, **parameters)


def log_gamma(z, shape, rate):
    """Return the log density of a gamma distribution."""
    return shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(z) - rate * z


def log_gamma_prior(shape, rate, mean, mean_log):
    """Return E[ln Gamma(z; shape, rate)] for z with this mean and mean logarithm."""
    return shape * np.log(rate) - gammaln(shape) + (shape - 1) * mean_log - rate * mean


def entropy_gamma(shape, rate):
    """Return the entropy of a gamma distribution."""
    return shape - np.log(rate) + gammaln(shape) + (1 - shape) * digamma(shape)


def log_joint(values):
    """Return ln p(y, beta, tau, alpha), shape (S,), at beta (S, D), tau (S,), alpha (S, D)."""
    beta, tau, alpha = values["beta"], values["tau"][:, np.newaxis], values["alpha"]
    residual = Y - beta @ X.T
    log_likelihood = (np.log(tau) - LOG_2PI - tau * residual**2).sum(axis=1) / 2
    log_prior = (np.log(tau * alpha) - LOG_2PI - tau * alpha * beta**2).sum(axis=1) / 2
    hyper = log_gamma(tau[:, 0], A0, B0) + log_gamma(alpha, C0, D0).sum(axis=1)
    return log_likelihood + log_prior + hyper


def model(x=X, y=Y):
    """Return the same in PyMC."""
    import pymc as pm

    with pm.Model() as result:
        tau = pm.Gamma("tau", alpha=A0, beta=B0)
        alpha = pm.Gamma("alpha", alpha=C0, beta=D0, shape=x.shape[1])
        beta = pm.Normal("beta", mu=0, tau=tau * alpha)
        pm.Normal("y", mu=x @ beta, tau=tau, observed=y)
    return result


def problem(x=X, y=Y):
    """Return what `elbowroom run` compares, and `elbowroom calibrate` simulates."""
    from experiments.custom import CustomProblem

    return CustomProblem(
        derivation=Derivation(x, y),
        model=lambda: model(x, y),
        about_model=(
            "y_n ~ N(x_n' beta, 1/tau); beta_d ~ N(0, 1/(tau alpha_d)); tau ~ Gamma(2, 2); "
            "alpha_d ~ Gamma(1, 1)"
        ),
        about_data="Simulated: 40 points, an intercept of 1, a slope of -2, and a predictor without effect.",
        with_data=lambda data: problem(repeated(x, len(data["y"])), data["y"]),
    )


def repeated(x, n):
    """Return predictors of n responses: those that there are, as often as it takes."""
    return np.tile(x, (n // len(x), 1))
