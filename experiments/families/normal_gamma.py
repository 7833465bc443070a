"""Normal components of unknown mean and precision, feature by feature."""

import numpy as np

from experiments.families import gaussian, log_densities
from experiments.families.components import if_finite
from experiments.families.given_parameters import Parameters, take
from experiments.families.line import SCALAR, Line, by_feature, gamma, normal, of_point, point, symbol, vector
from experiments.families.priors import Default
from experiments.families.summary import Summary
from experiments.records.problem import Draws
from hand_cavi import InputError, NormalGamma
from hand_cavi.numerics.special import stdtr

VARIABLES = ("mu", "precision")
EXAMPLE = ([0.3, 1.2], 0.4, 3.5, [2.2, 1.7]), gaussian.POINTS_OF_THE_EXAMPLE


def story(prior: NormalGamma) -> list[Line]:
    """Return the lines of the generative story."""
    d, each = by_feature(prior.n_features)
    precision = symbol("lambda", "k", *d)
    mean, variance = vector(prior.mean), precision.scaled_inverse(prior.precision_scale, SCALAR)
    noise = of_point("lambda", *d, inverse=SCALAR)
    return [
        Line(precision, gamma(vector(prior.shape), vector(prior.rate)), f"{each}; shape and rate"),
        Line(symbol("mu", "k", *d).given(precision), normal(mean, variance), f"{each}; mean and variance"),
        Line(point(*d), normal(of_point("mu", *d), noise), "for each point; mean and variance"),
    ]


def default_prior(x: Summary, n_components: int) -> dict[str, Default]:
    """With shape 3/2 the expected variance, rate / (shape - 1), is twice the rate; see `gaussian`."""
    variances, how = gaussian.shared_variance(x, n_components)
    return {
        "mean": (x.mean, "the data's mean"),
        "precision_scale": gaussian.POINTS_OF_THE_MEAN,
        "shape": (1.5, "3/2"),
        "rate": (variances / 2, f"half {how}"),
    }


def moments(q: NormalGamma) -> dict[str, np.ndarray]:
    """mu_kd is Student's t with 2a degrees of freedom; 1/lambda_kd is inverse gamma."""
    variance = if_finite(q.rate, (q.shape - 1)[:, np.newaxis])
    sd = np.sqrt(variance / q.precision_scale[:, np.newaxis])
    return {"mean": q.mean, "sd": sd, "spread": np.sqrt(variance)}


def cdf(q: NormalGamma, t: np.ndarray) -> np.ndarray:
    """mu_d ~ t with 2a degrees of freedom and squared scale b_d / (a beta): PRML, section 2.3.6."""
    scale = np.sqrt(q.rate / (q.shape * q.precision_scale)[:, np.newaxis])
    return stdtr(2 * q.shape[:, np.newaxis], (t[:, np.newaxis] - q.mean) / scale)


def density(prior: NormalGamma, draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    """Return N(x_d | mu_kd, 1 / lambda_kd)."""
    mu, precision = (draws[name][..., feature, np.newaxis] for name in ("mu", "precision"))
    return gaussian.normal_density(values, mu, 1 / precision)


def covariance(prior: NormalGamma, draws: Draws) -> np.ndarray:
    """Return the diagonal covariance at the mean precision."""
    return np.eye(prior.n_features) / draws["precision"].mean(axis=0)[:, :, np.newaxis]


def from_parameters(parameters: Parameters) -> tuple[NormalGamma, Parameters]:
    """Take ``mu`` and ``variance``, both (K, D)."""
    mu, variance = take(parameters, mu=2, variance=2)
    if variance.shape != mu.shape or (variance <= 0).any():
        raise InputError(f"variance needs numbers above zero in the shape of mu, {mu.shape}")
    one, ones = np.ones(()), np.ones(mu.shape[1])
    return NormalGamma(0 * ones, one, one, ones), {"mu": mu, "precision": 1 / variance}


def log_joint(prior: NormalGamma, x: np.ndarray, values: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return ln p(theta_k), (S, K), and ln p(x_i | theta_k), (S, K, N), from the story alone."""
    mu, precision = values["mu"], values["precision"]
    given = log_densities.normal(mu, prior.mean, prior.precision_scale * precision)
    log_prior = given + log_densities.gamma(precision, prior.shape, prior.rate)
    log_x = log_densities.normal(x, mu[:, :, np.newaxis], precision[:, :, np.newaxis])
    return log_prior.sum(axis=-1), log_x.sum(axis=-1)
