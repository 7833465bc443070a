"""One model that several tools can be given, its data and starts, and one scale for what they find.

The priors are those of `examples.audit.scikit_learn`, whose reading of scikit-learn's numbers, and whose
bound of any q(theta) q(pi) q(c) with every constant, are used as they are.

Letters: N points, D features, K components, S draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, xlogy

from examples.audit.measures import true_bound
from examples.audit.mixture import State, ours
from examples.audit.scikit_learn import BETA, CONCENTRATION, MEAN, NU, SCALE, derivation
from examples.mutations.densities import log_normal_precision
from hand_cavi import DirichletWeights, Mixture, NormalGamma, NormalWishart

K = 5
APART = 6.0
"""Standard deviations from each cluster to the next."""
N_INIT = 5
WITHIN = 0.1
"""Nats below the best bound known that count as the same answer."""


@dataclass(frozen=True)
class Reached:
    """Where a tool came with one setting: seconds of running, and the bound of its q in nats."""

    setting: str
    seconds: float
    bound: float
    standard_error: float = 0.0


def data(n_points: int, n_features: int) -> np.ndarray:
    """Return unit normal clusters of unequal sizes in a row, shape (N, D)."""
    rng = np.random.default_rng(0)
    which = rng.choice(K, n_points, p=np.arange(1, K + 1) / (K * (K + 1) / 2))
    centres = APART / np.sqrt(n_features) * (np.arange(K) - (K - 1) / 2)
    return rng.standard_normal((n_points, n_features)) + centres[which][:, np.newaxis]


def mixture(n_features: int) -> Mixture:
    """Return the model: Normal-Wishart, of one feature Normal-Gamma, which is the same there."""
    nu = n_features + NU
    components: NormalGamma | NormalWishart = NormalGamma(MEAN, BETA, nu / 2, SCALE / 2)
    if n_features > 1:
        components = NormalWishart(np.full(n_features, MEAN), BETA, nu, SCALE * np.eye(n_features))
    return Mixture(components, DirichletWeights(CONCENTRATION), K)


def as_normal_wishart(q: NormalGamma | NormalWishart) -> NormalWishart:
    """Return the same q(theta); a Gamma of shape a and rate b is a Wishart of nu = 2a and W^-1 = 2b."""
    if isinstance(q, NormalWishart):
        return q
    return NormalWishart(q.mean, q.precision_scale, 2 * q.shape, 2 * q.rate[..., np.newaxis])


def bound_of(
    x: np.ndarray, components: NormalWishart, weights: DirichletWeights, draws: int = 100
) -> tuple[float, float]:
    """Return E_q[ln p(x, theta, pi) - ln q(theta) q(pi)], every constant kept, and its standard error.

    That is the bound with the best q(c) beside q(theta) q(pi), in closed form, and what q(c) costs: the
    expectation of KL(q(c), p(c | x, theta, pi)), over so many draws. So it compares with a q of theta and pi
    alone.
    """
    model = derivation("full", K, x, process=False, documented=True)
    r = ours(x, model.reading.prior, model.weights)[1](components, weights)
    rng = np.random.default_rng(0)
    drawn = {**components.sample(rng, draws), **weights.sample(rng, draws)}
    lost = np.empty(draws)
    for s in range(draws):
        mu, precision = drawn["mu"][s, :, np.newaxis], drawn["precision"][s, :, np.newaxis]
        log_p = log_normal_precision(x, mu, precision).T + np.log(drawn["weights"][s])
        log_p -= logsumexp(log_p, axis=1, keepdims=True)
        lost[s] = np.sum(xlogy(r, r)) - np.sum(r * log_p)
    closed = true_bound(model, State(r, components, weights))
    return closed + float(lost.mean()), float(lost.std(ddof=1) / np.sqrt(draws))


def quickest_within(reached: Sequence[Reached], best: float) -> Reached | None:
    """Return the setting that comes within 0.1 nats of the best bound in the least time."""
    near = [one for one in reached if one.bound >= best - WITHIN]
    return min(near, key=lambda one: one.seconds, default=None)


def best_of(courses: Sequence[Sequence[Reached]]) -> float:
    """Return the best bound known; of an estimated one, what it exceeds by two standard errors."""
    return max(one.bound - 2 * one.standard_error for reached in courses for one in reached)
