"""Normal components of unknown mean and full precision matrix."""

import numpy as np

from experiments.families import gaussian, log_densities
from experiments.families.components import if_finite
from experiments.families.given_parameters import Parameters, take
from experiments.families.line import MATRIX, Line, Term, law, matrix, normal, of_point, point, symbol, vector
from experiments.families.mathml import MINUS_ONE, sup
from experiments.families.priors import Default
from experiments.families.summary import Summary
from experiments.records.problem import Draws
from hand_cavi import InputError, NormalWishart
from hand_cavi.families.normal_wishart import refuse_too_many
from hand_cavi.numerics.special import stdtr
from ppl_baselines.transforms import LogCholesky

TRANSFORMS = {"precision": LogCholesky()}

VARIABLES = ("mu", "precision")
EXAMPLE = ([0.3, 1.2], 0.4, 5.5, [[3.0, 0.7], [0.7, 2.2]]), gaussian.POINTS_OF_THE_EXAMPLE


def story(prior: NormalWishart) -> list[Line]:
    """Return the lines of the generative story."""
    precision, inverse = symbol("Lambda", "k"), matrix(prior.scale_inverse)
    wishart = law("Wishart", Term("W", sup(inverse.mathml, MINUS_ONE)), vector(prior.degrees_of_freedom))
    mean, covariance = vector(prior.mean), precision.scaled_inverse(prior.precision_scale, MATRIX)
    where, aside = "for each component; scale, degrees of freedom", f" with W^-1 = {inverse}"
    mu, noise = symbol("mu", "k"), of_point("Lambda", inverse=MATRIX)
    return [
        Line(precision, wishart, where, aside=aside),
        Line(mu.given(precision), normal(mean, covariance), "for each component; mean and covariance"),
        Line(point(), normal(of_point("mu"), noise), "for each point; mean and covariance"),
    ]


def default_prior(x: Summary, n_components: int) -> dict[str, Default]:
    """With D + 2 degrees of freedom the expected covariance is scale_inverse itself; see `gaussian`."""
    refuse_too_many(x.n_features)
    variances, how = gaussian.shared_variance(x, n_components)
    return {
        "mean": (x.mean, "the data's mean"),
        "precision_scale": gaussian.POINTS_OF_THE_MEAN,
        "degrees_of_freedom": (x.n_features + 2.0, "D + 2"),
        "scale_inverse": (np.diag(variances), f"the diagonal matrix of {how}"),
    }


def moments(q: NormalWishart) -> dict[str, np.ndarray]:
    """Covariances are inverse Wishart, with mean W^-1 / (nu - D - 1)."""
    variances = np.diagonal(q.scale_inverse, axis1=1, axis2=2)
    variance = if_finite(variances, (q.degrees_of_freedom - q.n_features - 1)[:, np.newaxis])
    size = np.sqrt(variances)
    return {
        "mean": q.mean,
        "sd": np.sqrt(variance / q.precision_scale[:, np.newaxis]),
        "spread": np.sqrt(variance),
        "correlation": q.scale_inverse / size[:, :, np.newaxis] / size[:, np.newaxis, :],
    }


def cdf(q: NormalWishart, t: np.ndarray) -> np.ndarray:
    """mu_d ~ t with f = nu + 1 - D degrees of freedom and squared scale (W^-1)_dd / (beta f): PRML, 2.3.7."""
    freedom = (q.degrees_of_freedom + 1 - q.n_features)[:, np.newaxis]
    square = np.diagonal(q.scale_inverse, axis1=-2, axis2=-1)
    scale = np.sqrt(square / (q.precision_scale[:, np.newaxis] * freedom))
    return stdtr(freedom, (t[:, np.newaxis] - q.mean) / scale)


def density(prior: NormalWishart, draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    """Return N(x_d | mu_kd, (Lambda_k^-1)_dd)."""
    variance = np.linalg.inv(draws["precision"])[..., feature, feature, np.newaxis]
    return gaussian.normal_density(values, draws["mu"][..., feature, np.newaxis], variance)


def covariance(prior: NormalWishart, draws: Draws) -> np.ndarray:
    """Return the covariance at the mean precision."""
    return np.linalg.inv(draws["precision"].mean(axis=0))


def from_parameters(parameters: Parameters) -> tuple[NormalWishart, Parameters]:
    """Take ``mu``, (K, D), and ``covariance``, (K, D, D)."""
    mu, covariance = take(parameters, mu=2, covariance=3)
    n_components, n_features = mu.shape
    if covariance.shape != (n_components, n_features, n_features):
        raise InputError(f"mu has shape {mu.shape}, so covariance needs {(*mu.shape, n_features)}")
    zeros, one, freedom = np.zeros(n_features), np.ones(()), np.array(n_features)
    for inverse in covariance:
        NormalWishart(zeros, one, freedom, inverse)  # refuses what is no covariance
    prior = NormalWishart(zeros, one, freedom, np.eye(n_features))
    return prior, {"mu": mu, "precision": np.linalg.inv(covariance)}


def log_joint(prior: NormalWishart, x: np.ndarray, values: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return ln p(theta_k), (S, K), and ln p(x_i | theta_k), (S, K, N), from the story alone."""
    mu, precision, features = values["mu"], values["precision"], x.shape[1]
    scale_inverse = np.asarray(prior.scale_inverse)
    if len(scale_inverse) == 1:
        scale_inverse = scale_inverse[0, 0] * np.eye(features)
    mean = np.broadcast_to(prior.mean, (features,))
    given = log_densities.multinormal(mu, mean, prior.precision_scale * precision)
    away = x - mu[:, :, np.newaxis]  # (S, K, N, D)
    square = np.sum((away @ precision) * away, axis=-1)
    log_x = (np.linalg.slogdet(precision)[1][:, :, np.newaxis] - features * log_densities.LN_2PI - square) / 2
    return given + log_densities.wishart(precision, float(prior.degrees_of_freedom), scale_inverse), log_x
