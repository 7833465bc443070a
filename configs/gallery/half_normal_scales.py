"""Two mixtures of posteriordb whose scales have no conjugate prior, in PyMC and by coordinate ascent.

    theta          ~  Dirichlet(alpha, ..., alpha)
    mu_k           ~  N(0, s0^2)
    sigma_k        ~  p(sigma): half-normal, or uniform below a limit
    c_n | theta    ~  Categorical(theta)
    y_n | c_n      ~  N(mu_{c_n}, sigma_{c_n}^2)

    q = q(theta) q(c) prod_k q(mu_k) q(sigma_k)

low_dim_gauss_mix.stan has alpha = 5, s0 = 2 and sigma_k ~ N+(0, 2^2); normal_mixture_k.stan has alpha = 1,
s0 = 10 and sigma_k uniform on (0, 10). Stan's theta is the weight of the first component of two; an ordered
mu, as the first of them has, changes nothing of sorted draws, which are compared.

The optimal q(sigma_k) has no name: ln q = ln p(sigma) - n_k ln sigma - S_k / (2 sigma^2) + const. It is kept
as a histogram of u = ln sigma on a fixed fine grid, whose best weights are proportional to exp of the average
of that (with the Jacobian, u) over each cell. All expectations of a histogram are exact; so is its bound.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import digamma, gammaln, logsumexp

LOG_2PI = np.log(2 * np.pi)
LOWEST = 0.02
CELLS = 1200


@dataclass(frozen=True)
class Prior:
    """Of K components; scales are half-normal with this spread, or uniform below it."""

    n_components: int
    alpha: float
    mean_sd: float
    scale: float
    half_normal: bool

    @property
    def top(self):
        """Return where the grid ends; 8 spreads of a half-normal scale hold all but 1e-15 of it."""
        return 8 * self.scale if self.half_normal else self.scale

    def log_scale(self, sigma, square):
        """Return ln p(sigma) by E[sigma^2], with the shape of that."""
        if not self.half_normal:
            return np.full_like(square, -np.log(self.scale))
        return np.log(2) - LOG_2PI / 2 - np.log(self.scale) - square / (2 * self.scale**2)


LOW_DIM = Prior(n_components=2, alpha=5.0, mean_sd=2.0, scale=2.0, half_normal=True)
FIVE = Prior(n_components=5, alpha=1.0, mean_sd=10.0, scale=10.0, half_normal=False)


@dataclass(frozen=True)
class State:
    """q(theta): a (K,); q(mu_k): m, v (K,); q(sigma_k): log_w (K, J); q(c): r (N, K)."""

    a: np.ndarray
    m: np.ndarray
    v: np.ndarray
    log_w: np.ndarray
    r: np.ndarray


class Derivation:
    """The updates and the bound."""

    factors = ("c", "theta", "mu", "sigma")

    def __init__(self, y=None, prior=LOW_DIM):
        self.y = numbers("low-dim-gauss-mix") if y is None else np.asarray(y, dtype=float)
        self.prior = prior
        edges = np.linspace(np.log(LOWEST), np.log(prior.top), CELLS + 1)
        self.edges, self.width = edges, edges[1] - edges[0]
        self.u = (edges[1:] + edges[:-1]) / 2
        self.inverse_square = -np.diff(np.exp(-2 * edges)) / (2 * self.width)  # E[1/sigma^2] in each cell
        self.square = np.diff(np.exp(2 * edges)) / (2 * self.width)  # E[sigma^2] in each cell

    def initial(self, rng):
        """Return a random state: some points are means, and the rest goes to the nearest of them."""
        k = self.prior.n_components
        m = rng.choice(self.y, size=k, replace=len(self.y) < k)
        distance = np.abs(self.y[:, np.newaxis] - m)
        nearest = np.eye(k)[distance.argmin(axis=1)]
        r = 0.8 * nearest + 0.2 * rng.dirichlet(np.ones(k), size=len(self.y))
        log_w = -((self.u - np.log(self.y.std() / k)) ** 2) / 2 + rng.normal(0, 0.1, size=(k, 1)) * self.u
        state = State(np.full(k, 2.0), m, np.full(k, 0.1), normalised(log_w), r)
        return replace(state, a=self.prior.alpha + r.sum(axis=0))

    def update(self, state, factor):
        """Return the state with one factor at its optimum given the others."""
        n = state.r.sum(axis=0)
        if factor == "theta":
            return replace(state, a=self.prior.alpha + n)
        if factor == "mu":
            tau = self._tau(state)
            v = 1 / (1 / self.prior.mean_sd**2 + tau * n)
            return replace(state, m=v * tau * (self.y @ state.r), v=v)
        if factor == "sigma":
            squares = (state.r * self._squares(state)).sum(axis=0)
            log_target = self.prior.log_scale(None, self.square) + self.u
            each = log_target - np.outer(n, self.u) - np.outer(squares / 2, self.inverse_square)
            return replace(state, log_w=normalised(each))
        log_r = self._log_likelihood(state) + digamma(state.a) - digamma(state.a.sum())
        return replace(state, r=np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True)))

    def elbo(self, state):
        """Return the bound's terms, in nats."""
        k, alpha, s0 = self.prior.n_components, self.prior.alpha, self.prior.mean_sd
        log_theta, w = digamma(state.a) - digamma(state.a.sum()), np.exp(state.log_w)
        log_q_theta = gammaln(state.a.sum()) - gammaln(state.a).sum() + (state.a - 1) @ log_theta
        log_q_sigma = (w * (state.log_w - np.log(self.width) - self.u)).sum()
        return {
            "log_likelihood": (state.r * self._log_likelihood(state)).sum(),
            "log_prior_c": (state.r @ log_theta).sum(),
            "log_prior_theta": gammaln(k * alpha) - k * gammaln(alpha) + (alpha - 1) * log_theta.sum(),
            "log_prior_mu": -(LOG_2PI + 2 * np.log(s0) + (state.m**2 + state.v) / s0**2).sum() / 2,
            "log_prior_sigma": (w @ self.prior.log_scale(None, self.square)).sum(),
            "entropy_c": -np.sum(state.r * np.log(np.maximum(state.r, 1e-300))),  # 0 ln 0 = 0
            "entropy_theta": -log_q_theta,
            "entropy_mu": (1 + LOG_2PI + np.log(state.v)).sum() / 2,
            "entropy_sigma": -log_q_sigma,
        }

    def sample(self, state, factor, rng, n):
        """Return n draws: theta, mu and sigma (n, K), or c (n, N) of 0, ..., K - 1."""
        if factor == "theta":
            return rng.dirichlet(state.a, size=n)
        if factor == "mu":
            return rng.normal(state.m, np.sqrt(state.v), size=(n, len(state.m)))
        if factor == "sigma":
            cells = [rng.choice(CELLS, size=n, p=np.exp(one)) for one in state.log_w]
            return np.exp(self.edges[np.transpose(cells)] + self.width * rng.random((n, len(cells))))
        chances = state.r.cumsum(axis=1)[:, :-1]
        return (rng.random((n, len(self.y), 1)) > chances).sum(axis=2)

    def log_density(self, state, factor, values):
        """Return ln q, shape (S,)."""
        if factor == "theta":
            log_constant = gammaln(state.a.sum()) - gammaln(state.a).sum()
            return log_constant + ((state.a - 1) * np.log(values)).sum(axis=1)
        if factor == "mu":
            return -(LOG_2PI + np.log(state.v) + (values - state.m) ** 2 / state.v).sum(axis=1) / 2
        if factor == "sigma":
            place = np.floor((np.log(values) - self.edges[0]) / self.width).astype(int)
            inside = (place >= 0) & (place < CELLS)
            each = state.log_w[np.arange(len(state.m)), place.clip(0, CELLS - 1)]
            return np.where(inside, each - np.log(self.width) - np.log(values), -np.inf).sum(axis=1)
        with np.errstate(divide="ignore"):
            return np.log(state.r)[np.arange(len(self.y)), values].sum(axis=1)

    def _tau(self, state):
        """Return E[1/sigma_k^2], shape (K,)."""
        return np.exp(state.log_w) @ self.inverse_square

    def _squares(self, state):
        """Return E[(y_n - mu_k)^2], shape (N, K)."""
        return (self.y[:, np.newaxis] - state.m) ** 2 + state.v

    def _log_likelihood(self, state):
        """Return E[ln p(y_n | c_n = k)], shape (N, K)."""
        log_sigma = np.exp(state.log_w) @ self.u
        return -LOG_2PI / 2 - log_sigma - self._tau(state) * self._squares(state) / 2


def normalised(log_w):
    """Return log weights whose exp sums to 1 along the last axis."""
    return log_w - logsumexp(log_w, axis=-1, keepdims=True)


def log_joint(values, y=None, prior=LOW_DIM):
    """Return ln p(y, c, theta, mu, sigma), shape (S,), at theta, mu and sigma (S, K) and c (S, N)."""
    y = numbers("low-dim-gauss-mix") if y is None else y
    theta, mu, sigma, c, k = (*(values[name] for name in ("theta", "mu", "sigma", "c")), prior.n_components)
    each_mu, each_sigma = np.take_along_axis(mu, c, axis=1), np.take_along_axis(sigma, c, axis=1)
    found = -(LOG_2PI / 2 + np.log(each_sigma) + ((y - each_mu) / each_sigma) ** 2 / 2).sum(axis=1)
    found = found + np.log(np.take_along_axis(theta, c, axis=1)).sum(axis=1)
    found = found + gammaln(k * prior.alpha) - k * gammaln(prior.alpha)
    found = found + ((prior.alpha - 1) * np.log(theta)).sum(axis=1)
    found = found - (LOG_2PI / 2 + np.log(prior.mean_sd) + (mu / prior.mean_sd) ** 2 / 2).sum(axis=1)
    return found + prior.log_scale(sigma, sigma**2).sum(axis=1)


def model(y, prior):
    """Return the model in PyMC, with the assignments summed out."""
    import pymc as pm

    k = prior.n_components
    with pm.Model() as result:
        theta = pm.Dirichlet("theta", a=np.full(k, prior.alpha))
        mu = pm.Normal("mu", mu=0.0, sigma=prior.mean_sd, shape=k)
        if prior.half_normal:
            sigma = pm.HalfNormal("sigma", sigma=prior.scale, shape=k)
        else:
            sigma = pm.Uniform("sigma", lower=0.0, upper=prior.scale, shape=k)
        log_each = pm.logp(pm.Normal.dist(mu=mu, sigma=sigma), y[:, np.newaxis])  # (N, K)
        pm.Potential("y", pm.math.logsumexp(pm.math.log(theta) + log_each, axis=1).sum())
    return result


def quantities(draws):
    """Return what does not depend on components' numbers: sorted by mean, named as Stan names them."""
    order = np.argsort(draws["mu"], axis=1)
    sort = {name: np.take_along_axis(draws[name], order, axis=1) for name in ("mu", "sigma", "theta")}
    k = order.shape[1]
    found = {f"{name}[{j + 1}]": sort[name][:, j] for name in ("mu", "sigma") for j in range(k)}
    if k == 2:
        return found | {"theta": sort["theta"][:, 0]}
    return found | {f"theta[{j + 1}]": sort["theta"][:, j] for j in range(k)}


def numbers(name):
    """Return the numbers of a file beside this one."""
    return np.loadtxt(Path(__file__).parent / "data" / f"{name}.csv", skiprows=1)


def low_dim_gauss_mix():
    """Return posteriordb's low_dim_gauss_mix."""
    scales = "sigma_k ~ half-normal(2); theta ~ Beta(5, 5)"
    return _problem("low-dim-gauss-mix", LOW_DIM, f"mu_k ~ N(0, 2^2); {scales}", 2)


def normal_5():
    """Return posteriordb's normal_5 under its normal_mixture_k."""
    scales = "sigma_k ~ Uniform(0, 10); theta ~ Dirichlet(1, 1, 1, 1, 1)"
    return _problem("normal-5", FIVE, f"mu_k ~ N(0, 10^2); {scales}", 5)


def _problem(name, prior, priors, k):
    from experiments.custom import CustomProblem

    y = numbers(name)
    return CustomProblem(
        derivation=Derivation(y, prior),
        model=partial(model, y, prior),
        quantities=quantities,
        about_model=f"y_n ~ sum_k theta_k N(mu_k, sigma_k^2), K = {k}; {priors}",
        about_data=f"{len(y)} simulated numbers, the data set {name.replace('-', '_')} of posteriordb 1.0.",
    )
