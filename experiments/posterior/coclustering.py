"""The co-clustering matrix P_ij = P(c_i = c_j | x) = E[ sum_k p_ik p_jk ]: docs/mathematics.md, section 9.

Assignments are summed out. Its errors are those of batch means over successive draws, whose spread counts the
autocorrelation of chains as far as batches are longer than it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.posterior.draws import flat
from experiments.posterior.predictive import log_terms, thinned
from experiments.records import Draws, Problem
from hand_cavi.numerics.special import softmax

if TYPE_CHECKING:
    import xarray as xr

MOST_POINTS = 200
"""Points between which it is computed; more are thinned evenly."""

MOST_DRAWS = 1000
BATCHES = 20


@dataclass(frozen=True)
class CoClustering:
    """The co-clustering matrix, (M, M), of rows of x, `points`, (M,), from every batch of draws."""

    points: np.ndarray
    batches: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """P, shape (M, M); its diagonal is 1."""
        return self.batches.mean(axis=0)


@dataclass(frozen=True)
class Difference:
    """How far two co-clustering matrices are apart, over pairs of different points.

    `largest` and `mean` absolute difference come with their standard errors, for the pair (rows of x) and the
    signs found; `noise` is the mean absolute difference that the second one's Monte-Carlo error alone makes.
    """

    largest: tuple[float, float]
    mean: tuple[float, float]
    pair: tuple[int, int]
    noise: float


def co_clustering(problem: Problem, tree: "xr.DataTree", *, points: np.ndarray | None = None) -> CoClustering:
    """Return the co-clustering matrix of canonical draws, over these rows of x or over `some_points`."""
    points = some_points(problem) if points is None else points
    draws = flat(thinned(tree, MOST_DRAWS))
    n_draws = len(next(iter(draws.values())))
    batches = np.array_split(np.arange(n_draws), min(BATCHES, n_draws))
    matrices = [
        _matrix(problem, points, {name: values[batch] for name, values in draws.items()}) for batch in batches
    ]
    return CoClustering(points, np.stack(matrices))


def some_points(problem: Problem) -> np.ndarray:
    """Return at most `MOST_POINTS` rows of x, evenly spaced in ascending order of the first feature."""
    order = np.argsort(problem.x[:, 0], kind="stable")
    n = min(len(order), MOST_POINTS)
    if problem.condensation is None:
        return order[np.linspace(0, len(order) - 1, n).round().astype(int)]
    assert problem.sample_weight is not None
    reached = np.cumsum(problem.sample_weight[order])  # as many points between two as between the next two
    return order[np.unique(np.searchsorted(reached, np.linspace(0, 1, n) * reached[-1] * (1 - 1e-12)))]


def difference(first: CoClustering, second: CoClustering) -> Difference:
    """Compare two matrices of the same points; there must be two points at least."""
    above = np.triu_indices(len(first.points), k=1)
    one, two = first.batches[:, *above], second.batches[:, *above]  # (B, pairs)
    gap = one.mean(axis=0) - two.mean(axis=0)
    worst = int(np.argmax(np.abs(gap)))
    signs = np.sign(gap) / len(gap)
    halves = two[::2].mean(axis=0) - two[1::2].mean(axis=0)
    return Difference(
        largest=(float(np.abs(gap[worst])), float(np.hypot(_error(one[:, worst]), _error(two[:, worst])))),
        mean=(float(np.abs(gap).mean()), float(np.hypot(_error(one @ signs), _error(two @ signs)))),
        pair=(int(first.points[above[0][worst]]), int(first.points[above[1][worst]])),
        noise=float(np.abs(halves).mean()),
    )


def _matrix(problem: Problem, points: np.ndarray, draws: Draws) -> np.ndarray:
    """Return the mean over draws of sum_k p_ik p_jk, one for i = j, shape (M, M)."""
    total = np.zeros((len(points), len(points)))
    n_draws = 0
    for terms in log_terms(problem, problem.x[points], draws):
        rows = softmax(terms).transpose(1, 0, 2).reshape(len(points), -1)
        total += rows @ rows.T
        n_draws += len(terms)
    matrix = total / n_draws
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _error(values: np.ndarray) -> float:
    if len(values) < 2:
        return float("nan")
    return float(values.std(ddof=1) / np.sqrt(len(values)))
