"""Which points belong to which component, draw by draw: what most relabelling methods look at.

Latent allocations count as probabilities of 0 and 1. S draws, n of the N points and K components come some
draws at a time, so that S n K numbers need not be held at once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np

from experiments.posterior.predictive import log_terms
from experiments.records import Draws, Problem
from hand_cavi.numerics.special import softmax

LEAST = 1e-6
"""Allocation probability that a pivot leaves to any component: one point costs at most 14 nats."""

MOST_POINTS = 2000
"""Points that are looked at; more are thinned evenly."""

_BLOCK = 1 << 20  # numbers in a block: 8 MB
_KEPT = 1 << 24  # numbers that are kept rather than computed again: 128 MB


@dataclass(frozen=True)
class Allocations:
    """Allocation probabilities of every draw.

    `blocks` returns an iterable of arrays (B, n, K), the draws in their order, and may be called again and
    again. `points`, shape (n,), says which of the N points are looked at; each stands for `weight` of them.
    """

    blocks: Callable[[], Iterable[np.ndarray]]
    n_draws: int
    n_points: int
    n_components: int
    points: np.ndarray
    weight: np.ndarray

    def weigh(self, price: np.ndarray) -> np.ndarray:
        """Return sum_i w_i price_ij p_ik of every draw, (S, j, k): what name j for component k costs."""
        weighted = (price * self.weight[:, np.newaxis]).T
        return np.concatenate([np.matmul(weighted, block) for block in self.blocks()])

    def surprise(self, pivot: np.ndarray, least: float = LEAST) -> np.ndarray:
        """Return the costs - sum_i w_i p_ik ln pivot_ij in nats, (S, j, k); see `allocation`."""
        return self.weigh(-np.log(np.maximum(pivot, least)))

    def average(self, naming: np.ndarray) -> np.ndarray:
        """Return the mean over draws of the probabilities of each name, (n, K), under a naming (S, K)."""
        total, start = np.zeros((len(self.points), self.n_components)), 0
        for block in self.blocks():
            some = naming[start : start + len(block), np.newaxis, :]
            total += np.take_along_axis(block, some, axis=2).sum(axis=0)
            start += len(block)
        return total / self.n_draws

    def of_draw(self, number: int) -> np.ndarray:
        """Return the probabilities of one draw, (n, K)."""
        return next(islice(chain.from_iterable(self.blocks()), number, None))

    def hardened(self) -> "Allocations":
        """Return the same with every point wholly in its most probable component."""
        return replace(self, blocks=lambda: map(one_hot, self.blocks()))


def of_problem(problem: Problem, draws: Draws) -> Allocations:
    """Return the allocation probabilities of a problem's points under canonical draws, arrays (S, K, ...)."""
    n_draws, n_points = len(next(iter(draws.values()))), len(problem.x)
    points = thinned(n_points)
    weight = np.ones(n_points) if problem.sample_weight is None else problem.sample_weight
    rescaled = weight[points] * (weight.sum() / weight[points].sum())
    n_components = problem.mixture.n_components

    def blocks() -> Iterable[np.ndarray]:
        return probability_blocks(problem, problem.x[points], draws)

    if n_draws * len(points) * n_components <= _KEPT:
        kept = list(blocks())
        return Allocations(lambda: kept, n_draws, n_points, n_components, points, rescaled)
    return Allocations(blocks, n_draws, n_points, n_components, points, rescaled)


def at_hand(values: np.ndarray, n_components: int) -> Allocations:
    """Return probabilities (S, N, K), or latent allocations (S, N) as probabilities, that are at hand."""
    n_draws, n_points = values.shape[:2]
    points = thinned(n_points)
    size = max(1, _BLOCK // (len(points) * n_components))

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, n_draws, size):
            some = values[start : start + size]
            some = some if len(points) == n_points else some[:, points]
            yield some if values.ndim == 3 else indicators(some, n_components)

    weight = np.full(len(points), n_points / len(points))
    return Allocations(blocks, n_draws, n_points, n_components, points, weight)


def one_hot(values: np.ndarray) -> np.ndarray:
    """Return probabilities (..., n, K) with every point wholly in its most probable component."""
    return indicators(values.argmax(axis=-1), values.shape[-1])


def indicators(allocations: np.ndarray, n_components: int) -> np.ndarray:
    """Return allocations (..., n), whole numbers from 0 to K - 1, as probabilities (..., n, K) of 0 and 1."""
    return (allocations[..., np.newaxis] == np.arange(n_components)).astype(np.float64)


def thinned(n_points: int) -> np.ndarray:
    """Return the numbers of the points that are looked at, evenly spread."""
    some = min(n_points, MOST_POINTS)
    return np.unique(np.linspace(0, n_points - 1, some).round().astype(np.intp))


def probability_blocks(problem: Problem, x: np.ndarray, draws: Draws) -> Iterator[np.ndarray]:
    """Yield p(c_i = k | x_i, theta) of some draws at a time, each of shape (B, len(x), K)."""
    return map(softmax, log_terms(problem, x, draws))
