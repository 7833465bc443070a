"""What ArviZ asks of draws, point by point: log likelihoods, and new data of the posterior predictive.

    log p(x_i | theta, pi) = log sum_k pi_k p(x_i | theta_k)

with the assignment c_i summed out: given c_i, leaving x_i out would leave its c_i in. Letters: C chains of M
draws, S draws, N points, D features, K components.
"""

from dataclasses import dataclass

import numpy as np

from experiments.posterior.draws import flat
from experiments.posterior.predictive import log_terms
from experiments.records import Draws, Problem
from hand_cavi.numerics.special import logsumexp

MOST_LIKELIHOODS = 100_000_000
"""Log likelihoods that are given, at most: 800 MB."""

MOST_NEW = 20_000_000
"""Numbers of new data that are drawn, at most: 160 MB."""

_BLOCK = 1 << 22  # numbers of new data drawn at once: 32 MB


@dataclass(frozen=True)
class Points:
    """The points of a data set one by one, x of shape (N, D); or, if there are none, why not."""

    x: np.ndarray | None
    why_not: str = ""


def points_of(problem: Problem, n_draws: int) -> Points:
    """Return the points that can be left out one by one, rows repeated as often as their weights say."""
    n_points = problem.n_points
    if problem.condensation is not None and not problem.condensation.exact:
        return Points(None, f"{len(problem.x)} weighted nodes stand for the {n_points} points")
    if n_points * n_draws > MOST_LIKELIHOODS:
        return Points(None, f"{n_points} points times {n_draws} draws are too many to keep")
    weight = problem.sample_weight
    if weight is None:
        return Points(problem.x)
    counts = np.rint(weight)
    if not np.array_equal(counts, weight):
        return Points(None, "weights that are not whole numbers stand for no number of points")
    return Points(np.repeat(problem.x, counts.astype(np.intp), axis=0))


def log_likelihoods(problem: Problem, x: np.ndarray, chains: Draws) -> np.ndarray:
    """Return log p(x_i | theta, pi) of points (N, D) under draws (C, M, K, ...), (C, M, N), in nats."""
    parts = [logsumexp(terms, axis=2) for terms in log_terms(problem, x, flat(chains))]
    return np.concatenate(parts).reshape(*next(iter(chains.values())).shape[:2], len(x))


def replicates(problem: Problem, n_points: int, chains: Draws, rng: np.random.Generator) -> np.ndarray:
    """Return a new data set of every draw (C, M, K, ...) of parameters, shape (C, M, N, D)."""
    prior = problem.mixture.components.with_features(problem.x.shape[1])
    n_chains, n_draws = next(iter(chains.values())).shape[:2]
    draws, n_components = flat(chains), problem.mixture.n_components
    n_features = problem.x.shape[1]
    log_weights = problem.mixture.weights.log_weights(draws, n_chains * n_draws)
    cumulative = np.cumsum(np.exp(log_weights), axis=-1)
    cumulative = np.broadcast_to(cumulative, (n_chains * n_draws, n_components))
    size, found = max(1, _BLOCK // (n_points * n_features * n_components)), []
    for start in range(0, len(cumulative), size):
        some = cumulative[start : start + size]
        level = rng.random((len(some), n_points, 1)) * some[:, np.newaxis, -1:]
        component = (level > some[:, np.newaxis, :-1]).sum(axis=2)
        theta = {
            name: values[start : start + size].reshape(-1, *values.shape[2:])
            for name, values in draws.items()
            if name != "weights"
        }
        place = component + n_components * np.arange(len(some))[:, np.newaxis]
        found.append(prior.sample_data(rng, theta, place.ravel()))
    return np.concatenate(found).reshape(n_chains, n_draws, n_points, n_features)
