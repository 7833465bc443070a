"""Counts: Poisson components of unknown rates."""

import numpy as np

from experiments.families import log_densities
from experiments.families.given_parameters import Parameters, take
from experiments.families.line import Line, by_feature, gamma, law, of_point, point, symbol, vector
from experiments.families.priors import Default
from experiments.families.summary import Summary
from experiments.records.problem import Draws
from hand_cavi import GammaPoisson, InputError
from hand_cavi.numerics.special import gammainc, gammaln

VARIABLES = ("rate",)
EXAMPLE = ([1.7, 2.6], [0.4, 0.7]), [[0, 9], [1, 7], [2, 8], [1, 6], [5, 2], [6, 3], [4, 2]]


def story(prior: GammaPoisson) -> list[Line]:
    """Return the lines of the generative story."""
    d, each = by_feature(prior.n_features)
    rates = gamma(vector(prior.shape), vector(prior.rate))
    return [
        Line(symbol("rate", "k", *d), rates, f"{each}; shape, rate"),
        Line(point(*d), law("Poisson", of_point("rate", *d)), "for each point; a count"),
    ]


def default_prior(x: Summary, n_components: int) -> dict[str, Default]:
    """Return rates that are exponential about the data's mean."""
    rate = np.divide(1.0, x.mean, out=np.ones_like(x.mean), where=x.mean > 0)
    return {"shape": (1.0, "1"), "rate": (rate, "1 / the data's mean")}


def moments(q: GammaPoisson) -> dict[str, np.ndarray]:
    """Return those of the gamma distribution."""
    return {"rate": q.shape / q.rate, "sd": np.sqrt(q.shape) / q.rate}


def cdf(q: GammaPoisson, t: np.ndarray) -> np.ndarray:
    """Return the gamma distribution function of every rate."""
    return gammainc(q.shape, q.rate * t[:, np.newaxis])


def density(prior: GammaPoisson, draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    """Return the Poisson probability of each value."""
    rate = draws["rate"][:, :, feature, np.newaxis]
    return np.exp(values * np.log(rate) - rate - gammaln(values + 1))


def from_parameters(parameters: Parameters) -> tuple[GammaPoisson, Parameters]:
    """Take ``rate``, (K, D)."""
    (rate,) = take(parameters, rate=2)
    if (rate <= 0).any():
        raise InputError("a rate must be above zero")
    return GammaPoisson(np.ones(rate.shape[1]), np.ones(rate.shape[1])), {"rate": rate}


def log_joint(prior: GammaPoisson, x: np.ndarray, values: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return ln p(theta_k), (S, K), and ln p(x_i | theta_k), (S, K, N), from the story alone."""
    rate = values["rate"][:, :, np.newaxis]
    log_x = np.sum(x * np.log(rate) - rate - gammaln(x + 1), axis=-1)
    return log_densities.gamma(values["rate"], prior.shape, prior.rate).sum(axis=-1), log_x
