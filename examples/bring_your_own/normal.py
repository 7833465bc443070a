"""A normal distribution whose mean and precision are unknown, factorised (Bishop, PRML 2006, section 10.1.3).

    x_n | mu, tau  ~  N(mu, 1/tau),            n = 1, ..., N
    mu | tau       ~  N(mu0, 1/(lambda0 tau))
    tau            ~  Gamma(a0, b0)            shape and rate

    q(mu, tau) = q(mu) q(tau),    q(mu) = N(m, 1/l),    q(tau) = Gamma(a, b)

The exact posterior is normal-gamma, in which mu and tau depend on each other: q cannot follow that.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln

X = np.array([4.1, 6.3, 5.2, 7.0, 3.8, 5.9, 5.5, 6.1, 4.7, 5.0, 6.8, 4.4])
MU0, LAMBDA0, A0, B0 = 0.0, 0.1, 2.0, 1.0
LOG_2PI = np.log(2 * np.pi)


@dataclass(frozen=True)
class State:
    """q(mu) = N(m, 1/l) and q(tau) = Gamma(a, b)."""

    m: float
    l: float
    a: float
    b: float


class Derivation:
    """The updates (Bishop 10.26, 10.27, 10.29, 10.30) and the bound."""

    factors = ("mu", "tau")

    def __init__(self, x=X):
        self.x = np.asarray(x, dtype=float)

    def initial(self, rng):
        """Return a random state."""
        return State(m=rng.normal(5, 3), l=rng.gamma(4.0), a=1 + rng.gamma(4.0), b=1 + rng.gamma(4.0))

    def update(self, state, factor):
        """Return the state with one factor at its optimum given the other."""
        n = len(self.x)
        if factor == "mu":
            m = (LAMBDA0 * MU0 + self.x.sum()) / (LAMBDA0 + n)  # (10.26)
            return replace(state, m=m, l=(LAMBDA0 + n) * state.a / state.b)  # (10.27), E[tau] = a/b
        squares = self._squares(state).sum() + LAMBDA0 * self._prior_square(state)
        return replace(state, a=A0 + (n + 1) / 2, b=B0 + squares / 2)  # (10.29), N + 1 for mu; (10.30)

    def elbo(self, state):
        """Return the bound's terms, in nats."""
        n, tau, log_tau = len(self.x), state.a / state.b, digamma(state.a) - np.log(state.b)
        return {
            "log_likelihood": n / 2 * (log_tau - LOG_2PI) - tau / 2 * self._squares(state).sum(),
            "log_prior_mu": (np.log(LAMBDA0) + log_tau - LOG_2PI - LAMBDA0 * tau * self._prior_square(state))
            / 2,
            "log_prior_tau": A0 * np.log(B0) - gammaln(A0) + (A0 - 1) * log_tau - B0 * tau,
            "entropy_mu": (1 + LOG_2PI - np.log(state.l)) / 2,
            "entropy_tau": state.a - np.log(state.b) + gammaln(state.a) + (1 - state.a) * digamma(state.a),
        }

    def sample(self, state, factor, rng, n):
        """Return n draws, shape (n,)."""
        if factor == "mu":
            return rng.normal(state.m, state.l**-0.5, size=n)
        return rng.gamma(state.a, 1 / state.b, size=n)

    def log_density(self, state, factor, values):
        """Return ln q, shape (S,)."""
        if factor == "mu":
            return (np.log(state.l) - LOG_2PI - state.l * (values - state.m) ** 2) / 2
        log_constant = state.a * np.log(state.b) - gammaln(state.a)
        return log_constant + (state.a - 1) * np.log(values) - state.b * values

    def parameters(self, state, factor):
        """Return what a factor is made of; optional, as is the next, and what makes the checks exact."""
        return {"m": state.m, "l": state.l} if factor == "mu" else {"a": state.a, "b": state.b}

    def with_parameters(self, state, factor, parameters):
        """Return the state with one factor made of these."""
        return replace(state, **parameters)

    def _squares(self, state):
        """Return E[(x_n - mu)^2], shape (N,)."""
        return (self.x - state.m) ** 2 + 1 / state.l

    @staticmethod
    def _prior_square(state):
        """Return E[(mu - mu0)^2]."""
        return (state.m - MU0) ** 2 + 1 / state.l


def log_joint(values):
    """Return ln p(x, mu, tau), shape (S,), at draws of shape (S,) each."""
    mu, tau = values["mu"], values["tau"]
    log_prior = A0 * np.log(B0) - gammaln(A0) + (A0 - 1) * np.log(tau) - B0 * tau
    log_prior = log_prior + normal(mu, MU0, LAMBDA0 * tau)
    return log_prior + normal(X, mu[:, np.newaxis], tau[:, np.newaxis]).sum(axis=1)


def normal(x, mean, precision):
    """Return the log density of a normal distribution."""
    return (np.log(precision) - LOG_2PI - precision * (x - mean) ** 2) / 2


def model():
    """Return the same in PyMC."""
    import pymc as pm

    with pm.Model() as result:
        tau = pm.Gamma("tau", alpha=A0, beta=B0)
        mu = pm.Normal("mu", mu=MU0, tau=LAMBDA0 * tau)
        pm.Normal("x", mu=mu, tau=tau, observed=X)
    return result


def problem():
    """Return what `elbowroom run` compares."""
    from experiments.custom import CustomProblem

    return CustomProblem(
        derivation=Derivation(),
        model=model,
        about_model="x_n ~ N(mu, 1/tau); mu ~ N(0, 1/(0.1 tau)); tau ~ Gamma(2, 1)",
        about_data="Twelve numbers, made up.",
    )
