"""Categories of unknown probabilities."""

import numpy as np

from experiments.families import log_densities
from experiments.families.given_parameters import Parameters, take
from experiments.families.line import Line, by_feature, entries, law, of_point, point, symbol
from experiments.families.priors import Default
from experiments.families.summary import Summary
from experiments.records.problem import Draws
from hand_cavi import DirichletCategorical, InputError
from hand_cavi.numerics.special import betainc

CATEGORICAL = True

VARIABLES = ("probability",)
EXAMPLE = ([[1.3, 2.1, 0.8], [1.6, 0.9, 1.2]],), [[0, 1], [0, 0], [1, 0], [0, 0], [2, 2], [2, 1], [2, 2]]


def story(prior: DirichletCategorical) -> list[Line]:
    """Return the lines of the generative story."""
    d, each = by_feature(prior.n_features)
    alike = (prior.concentration == prior.concentration[0]).all()
    alpha = entries(prior.concentration[0]) if alike else [symbol("alpha", "d")]
    return [
        Line(symbol("p", "k", *d), law("Dirichlet", *alpha), f"{each}; {prior.n_categories} categories"),
        Line(point(*d), law("Categorical", of_point("p", *d)), "for each point; a category"),
    ]


def default_prior(x: Summary, n_components: int) -> dict[str, Default]:
    """Return 1 throughout, which is flat."""
    n_categories = max(2, int(x.high.max()) + 1)
    return {"concentration": (np.ones(n_categories), f"1 for each of {n_categories} categories")}


def moments(q: DirichletCategorical) -> dict[str, np.ndarray]:
    """Return those of the Dirichlet distribution."""
    total = q.concentration.sum(axis=-1, keepdims=True)
    share = q.concentration / total
    return {"probability": share, "sd": np.sqrt(share * (1 - share) / (total + 1))}


def cdf(q: DirichletCategorical, t: np.ndarray) -> np.ndarray:
    """p_dc ~ Beta(alpha_c, sum of the other alphas), for all categories but the last."""
    first = q.concentration[..., :-1]
    rest = q.concentration.sum(axis=-1, keepdims=True) - first
    shape = (len(first), -1)
    return betainc(first.reshape(shape), rest.reshape(shape), t[:, np.newaxis])


def density(prior: DirichletCategorical, draws: Draws, feature: int, values: np.ndarray) -> np.ndarray:
    """Return the probability of each category."""
    return draws["probability"][:, :, feature, :][..., values.astype(int)]


def from_parameters(parameters: Parameters) -> tuple[DirichletCategorical, Parameters]:
    """Take ``probability``, (K, D, C)."""
    (probability,) = take(parameters, probability=3)
    if (probability < 0).any() or not np.allclose(probability.sum(axis=2), 1):
        raise InputError("probabilities must not be negative, and must sum to 1 over the categories")
    return DirichletCategorical(np.ones(probability.shape[1:])), {"probability": probability}


def log_joint(prior: DirichletCategorical, x: np.ndarray, values: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return ln p(theta_k), (S, K), and ln p(x_i | theta_k), (S, K, N), from the story alone."""
    log_p = np.log(values["probability"])
    log_x = log_p[:, :, np.arange(x.shape[1]), x.astype(int)].sum(axis=-1)
    return log_densities.dirichlet(log_p, prior.concentration).sum(axis=-1), log_x
