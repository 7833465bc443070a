"""What draws predict: the posterior predictive density, and how far two of them are apart.

    p(y) = E[sum_k pi_k p(y | theta_k)],      TV = 1/2 integral |p - r| = P(A) - R(A),   A = {y : p(y) > r(y)}

Neither depends on how components are numbered. The second form makes TV, for the set A found, a difference of
two averages over draws, whose Monte-Carlo errors are known; of noise floors see docs/mathematics.md, section
10. Letters: S draws, C chains of M draws, G points y, D features, K components.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from experiments.posterior.draws import are_independent, as_chains, flat, mean_and_error
from experiments.records import Draws, Problem
from hand_cavi import DirichletCategorical, GammaPoisson

if TYPE_CHECKING:
    import xarray as xr

MOST_DRAWS = 2000
"""Draws that a predictive density is averaged over; more are thinned evenly."""

_BLOCK = 1 << 19  # numbers held at once by the densities: 4 MB
_CELLS = 4096  # cells of categories, or counts, that are summed over one by one
_NODES = 400  # of a grid: evenly spaced, and as many again where the predictives are dense
_RANDOM_POINTS = 2000  # where there is no grid
_BATCHES = 8  # of the reference's draws, from which its halves are put together


@dataclass(frozen=True)
class Distance:
    """Total variation between two predictive densities, from 0 to 1, and what was integrated over.

    The noise floor is the mean total variation between two halves of the second one's draws.
    """

    value: float
    standard_error: float
    noise_floor: float
    how: str


@dataclass(frozen=True)
class Nodes:
    """Points (G, D) and weights (G,) with which an integral is a sum, int f = sum_g weight_g f(y_g).

    If the points are random draws, the sum has an error of its own.
    """

    points: np.ndarray
    weight: np.ndarray
    how: str
    random: bool = False


def log_terms(problem: Problem, points: np.ndarray, draws: Draws) -> Iterator[np.ndarray]:
    """Yield log pi_k + log p(y_g | theta_k), some draws at a time, each of shape (B, G, K), in nats.

    Points, shape (G, D), and densities are in the data's units; draws are canonical arrays (S, K, ...).
    """
    prior = problem.mixture.components.with_features(problem.x.shape[1])
    coordinates = prior.coordinates(problem.x, np.ones(len(problem.x)))
    inner, inner_points = prior.seen_from(coordinates), coordinates.apply(points)
    inner_draws, _ = prior.draws_seen_from(coordinates, draws)
    phi, statistics = inner.phi(inner_draws), inner.statistics(inner_points)
    log_base = inner.log_base(inner_points) - coordinates.log_volume
    log_weights = problem.mixture.weights.log_weights(draws, len(phi))
    size = max(1, _BLOCK // (len(points) * problem.mixture.n_components))
    for start in range(0, len(phi), size):
        block = slice(start, start + size)
        terms = np.matmul(statistics, phi[block].transpose(0, 2, 1))
        terms += log_weights[block, np.newaxis, :]
        terms += log_base[:, np.newaxis]
        yield terms


def thinned(tree: "xr.DataTree", most: int = MOST_DRAWS) -> Draws:
    """Return at most so many draws, evenly spaced, with the chains apart: arrays (C, M, K, ...)."""
    chains = as_chains(tree)
    n_chains, n_draws = next(iter(chains.values())).shape[:2]
    keep = np.linspace(0, n_draws - 1, max(1, min(n_draws, most // n_chains))).round().astype(int)
    return {name: values[:, keep] for name, values in chains.items()}


def densities_of_chains(problem: Problem, points: np.ndarray, chains: Draws) -> np.ndarray:
    """Return the mixture's density p(y_g | theta) at every point of draws (C, M, K, ...), shape (C, M, G)."""
    shape = next(iter(chains.values())).shape[:2]
    densities = [np.exp(terms).sum(axis=2) for terms in log_terms(problem, points, flat(chains))]
    return np.concatenate(densities).reshape(*shape, len(points))


def sample_predictive(problem: Problem, draws: Draws, rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n new points, (n, D), each from a draw of its own; its density is the predictive density."""
    prior = problem.mixture.components.with_features(problem.x.shape[1])
    n_draws = len(next(iter(draws.values())))
    weights = np.exp(problem.mixture.weights.log_weights(draws, n_draws))
    chosen, level = rng.integers(n_draws, size=n), rng.random(n)
    cumulative = np.cumsum(np.broadcast_to(weights, (n_draws, problem.mixture.n_components)), axis=1)
    component = np.empty(n, dtype=np.intp)
    by_draw = np.argsort(chosen, kind="stable")
    for rows in np.split(by_draw, np.flatnonzero(np.diff(chosen[by_draw])) + 1):
        up_to = cumulative[chosen[rows[0]]]
        component[rows] = np.searchsorted(up_to, level[rows] * up_to[-1])
    component = np.minimum(component, problem.mixture.n_components - 1)
    theta = {name: values[chosen, component] for name, values in draws.items() if name != "weights"}
    return prior.sample_data(rng, theta, np.arange(n))


def total_variation(
    problem: Problem, tree: "xr.DataTree", reference: "xr.DataTree", *, rng: np.random.Generator
) -> Distance:
    """Return the total variation between the predictive densities of two sets of canonical draws.

    The standard error holds the Monte-Carlo error of both sets of draws, with the set A held fixed, and that
    of the points where they are random.
    """
    first, second = thinned(tree), thinned(reference)
    nodes = _nodes(problem, flat(first), flat(second), rng)
    p = densities_of_chains(problem, nodes.points, first)
    r = densities_of_chains(problem, nodes.points, second)
    mean_p, mean_r = p.mean(axis=(0, 1)), r.mean(axis=(0, 1))
    if nodes.random:  # the points come half from each, so that their density is the mean of both
        nodes = Nodes(nodes.points, 2 / (mean_p + mean_r) / len(nodes.points), nodes.how, random=True)
    difference = mean_p - mean_r
    of_set = nodes.weight * np.sign(difference) / 2
    _, error_p = mean_and_error(p @ of_set, independent=are_independent(tree))
    _, error_r = mean_and_error(r @ of_set, independent=are_independent(reference))
    variance = float(error_p) ** 2 + float(error_r) ** 2
    if nodes.random:
        variance += float(np.var(np.abs(difference) / (mean_p + mean_r), ddof=1)) / len(nodes.points)
    return Distance(
        min(1.0, float(nodes.weight @ np.abs(difference)) / 2),
        float(np.sqrt(variance)),
        _noise_floor(r, nodes.weight),
        nodes.how,
    )


def _noise_floor(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the mean total variation between halves of draws whose densities are (C, M, G).

    A half is four of eight batches, each of successive draws, so that the autocorrelation of chains counts.
    """
    batches = [batch.mean(axis=0) for batch in np.array_split(values.reshape(-1, len(weight)), _BATCHES)]
    means = np.stack(batches)
    distances = []
    for half in combinations(range(1, _BATCHES), _BATCHES // 2):  # every split once: batch 0 is in the other
        chosen = np.isin(np.arange(_BATCHES), half)
        distances.append(np.abs(means[chosen].mean(axis=0) - means[~chosen].mean(axis=0)) @ weight / 2)
    return float(np.mean(distances))


def _nodes(problem: Problem, first: Draws, second: Draws, rng: np.random.Generator) -> Nodes:
    """Choose what to integrate over: all there is if the data are categories or counts, a line, or points."""
    components, n_features = problem.mixture.components, problem.x.shape[1]
    if isinstance(components, DirichletCategorical):
        n_categories = first["probability"].shape[-1]
        if n_categories**n_features <= _CELLS:
            cells = np.array(list(product(range(n_categories), repeat=n_features)), dtype=np.float64)
            return Nodes(cells, np.ones(len(cells)), f"all {len(cells)} cells of categories")
    elif isinstance(components, GammaPoisson) and n_features == 1:
        rate = max(float(first["rate"].max()), float(second["rate"].max()))
        largest = int(np.ceil(rate + 12 * np.sqrt(rate) + 20))
        if largest < _CELLS:
            counts = np.arange(largest + 1.0)[:, np.newaxis]
            return Nodes(counts, np.ones(len(counts)), f"all counts up to {largest}")
    half = _RANDOM_POINTS // 2
    points = np.concatenate([sample_predictive(problem, draws, rng, half) for draws in (first, second)])
    if n_features == 1 and not isinstance(components, DirichletCategorical | GammaPoisson):
        return _grid(points[:, 0])
    return Nodes(points, np.ones(len(points)), f"{len(points)} random points of both", random=True)


def _grid(sample: np.ndarray) -> Nodes:
    """Return a grid over a line, by the trapezoid rule: even, and finer where the sample is dense."""
    low, high = float(sample.min()), float(sample.max())
    margin = max((high - low) / 2, 1e-12 * max(1.0, abs(low)))
    even = np.linspace(low - margin, high + margin, _NODES)
    dense = np.quantile(sample, np.linspace(0, 1, _NODES))
    y = np.unique(np.concatenate([even, dense]))
    weight = np.empty(len(y))
    weight[1:-1] = (y[2:] - y[:-2]) / 2
    weight[0], weight[-1] = (y[1] - y[0]) / 2, (y[-1] - y[-2]) / 2
    return Nodes(y[:, np.newaxis], weight, f"a grid of {len(y)} points from {y[0]:.4g} to {y[-1]:.4g}")
