"""Two coins in a bag: for each row of tosses one of them was drawn, and nobody noted which.

    c_n           ~  Bernoulli(1/2)                 which coin, n = 1, ..., N
    bias_k        ~  Beta(a0, b0)                   k = 0, 1
    h_n | c_n     ~  Binomial(T, bias_{c_n})        heads among T tosses

    q(bias, c) = prod_k Beta(bias_k; a_k, b_k)  prod_n r_{n, c_n}

The factor of the coins is discrete. The derivation and its log joint density keep it; the PyMC model sums
it out, as PyMC's ADVI and NUTS need. Nothing tells the coins apart but their biases, so that they may be
swapped: what is compared are the lower and the higher bias. The example is that of Do & Batzoglou (2008).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaln, digamma, gammaln, logsumexp

HEADS = np.array([6, 15, 7, 16, 4, 14, 13, 5])
TOSSES = 20
A0, B0 = 1.0, 1.0
LOG_CHOOSE = gammaln(TOSSES + 1) - gammaln(HEADS + 1) - gammaln(TOSSES - HEADS + 1)


@dataclass(frozen=True)
class State:
    """q(bias): a (2,), b (2,); q(c): r (N, 2)."""

    a: np.ndarray
    b: np.ndarray
    r: np.ndarray


class Derivation:
    """The updates and the bound."""

    factors = ("bias", "coin")

    def __init__(self, heads=HEADS):
        self.heads = np.asarray(heads)
        self.tails = TOSSES - self.heads

    def initial(self, rng):
        """Return a random state."""
        r = rng.dirichlet([1.0, 1.0], size=len(self.heads))
        return State(a=1 + rng.gamma(3.0, size=2), b=1 + rng.gamma(3.0, size=2), r=r)

    def update(self, state, factor):
        """Return the state with one factor at its optimum given the other."""
        if factor == "bias":
            return replace(state, a=A0 + self.heads @ state.r, b=B0 + self.tails @ state.r)
        log_r = self._log_likelihood(state)
        return replace(state, r=np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True)))

    def elbo(self, state):
        """Return the bound's terms, in nats."""
        log_bias, log_other = expected_logs(state)
        log_prior = (A0 - 1) * log_bias + (B0 - 1) * log_other - betaln(A0, B0)
        log_q = (state.a - 1) * log_bias + (state.b - 1) * log_other - betaln(state.a, state.b)
        log_choose = gammaln(TOSSES + 1) - gammaln(self.heads + 1) - gammaln(self.tails + 1)
        return {
            "log_likelihood": log_choose.sum() + (state.r * self._log_likelihood(state)).sum(),
            "log_prior_coin": -len(self.heads) * np.log(2),
            "log_prior_bias": log_prior.sum(),
            "entropy_bias": -log_q.sum(),
            "entropy_coin": -np.sum(state.r * np.log(np.maximum(state.r, 1e-300))),  # 0 ln 0 = 0
        }

    def sample(self, state, factor, rng, n):
        """Return n draws: bias (n, 2), or coin (n, N) of 0 and 1."""
        if factor == "bias":
            return rng.beta(state.a, state.b, size=(n, 2))
        return (rng.random((n, len(state.r))) < state.r[:, 1]).astype(int)

    def log_density(self, state, factor, values):
        """Return ln q, shape (S,)."""
        if factor == "bias":
            log_q = (state.a - 1) * np.log(values) + (state.b - 1) * np.log1p(-values)
            return (log_q - betaln(state.a, state.b)).sum(axis=1)
        with np.errstate(divide="ignore"):
            return np.log(state.r)[np.arange(len(state.r)), values].sum(axis=1)

    def parameters(self, state, factor):
        """Return what a factor is made of; optional, as is the next, and what makes the checks exact."""
        return {"a": state.a, "b": state.b} if factor == "bias" else {"r": state.r}

    def with_parameters(self, state, factor, parameters):
        """Return the state with one factor made of these."""
        return replace(state, **parameters)

    def _log_likelihood(self, state):
        """Return E[ln p(h_n | c_n = k, bias)] without ln (T choose h_n), shape (N, 2)."""
        log_bias, log_other = expected_logs(state)
        return np.outer(self.heads, log_bias) + np.outer(self.tails, log_other)


def expected_logs(state):
    """Return E[ln bias_k] and E[ln (1 - bias_k)], shape (2,) each."""
    both = digamma(state.a + state.b)
    return digamma(state.a) - both, digamma(state.b) - both


def log_joint(values):
    """Return ln p(h, c, bias), shape (S,), at bias (S, 2) and coin (S, N)."""
    bias = values["bias"]
    drawn = np.take_along_axis(bias, values["coin"], axis=1)  # (S, N)
    log_likelihood = LOG_CHOOSE + HEADS * np.log(drawn) + (TOSSES - HEADS) * np.log1p(-drawn)
    log_prior = (A0 - 1) * np.log(bias) + (B0 - 1) * np.log1p(-bias) - betaln(A0, B0)
    return log_likelihood.sum(axis=1) - len(HEADS) * np.log(2) + log_prior.sum(axis=1)


def model():
    """Return the model in PyMC, with the coins summed out."""
    import pymc as pm

    with pm.Model() as result:
        bias = pm.Beta("bias", alpha=A0, beta=B0, shape=2)
        log_each = pm.logp(pm.Binomial.dist(n=TOSSES, p=bias), HEADS[:, np.newaxis])  # (N, 2)
        pm.Potential("heads", pm.math.logsumexp(log_each - np.log(2), axis=1).sum())
    return result


def quantities(draws):
    """Return what does not depend on how the coins are numbered, from bias (S, 2)."""
    bias = np.sort(draws["bias"], axis=1)
    return {"lower bias": bias[:, 0], "higher bias": bias[:, 1]}


def problem():
    """Return what `elbowroom run` compares."""
    from experiments.custom import CustomProblem

    return CustomProblem(
        derivation=Derivation(),
        model=model,
        quantities=quantities,
        about_model="h_n ~ Binomial(20, bias_{c_n}); c_n ~ Bernoulli(1/2); bias_k ~ Beta(1, 1)",
        about_data="Eight rows of 20 tosses, made up.",
    )
