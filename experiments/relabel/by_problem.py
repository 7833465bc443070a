"""What a model and its data say about draws: allocation probabilities, the best draw, and pivots of them."""

import numpy as np
import xarray as xr

from experiments.posterior.draws import as_arrays, permuted
from experiments.records import Draws, Problem
from experiments.relabel.allocations import of_problem, probability_blocks
from experiments.relabel.matching import match
from hand_cavi import log_joint


def allocation_probabilities(problem: Problem, draws: Draws) -> np.ndarray:
    """Return p(c_i = k | x_i, theta), (S, N, K), of canonical draws (S, K, ...): hand over some at a time."""
    return np.concatenate(list(probability_blocks(problem, problem.x, draws)))


def best_draw(problem: Problem, draws: Draws) -> int:
    """Return the number of the draw with the highest log p(x, theta)."""
    return int(np.argmax(log_joint(problem.mixture, problem.x, draws, problem.sample_weight)))


def pivot_of(problem: Problem, tree: xr.DataTree) -> np.ndarray:
    """Return allocations that name components, (N, K): the best draw's, ordered by the points they hold.

    The first component is the one whose points are smallest, on average, in the first feature.
    """
    draws = as_arrays(tree)
    best = [best_draw(problem, draws)]
    allocations = allocation_probabilities(problem, {name: values[best] for name, values in draws.items()})[0]
    weight = np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight
    held = allocations * weight[:, np.newaxis]
    centre = problem.x[:, 0] @ held / np.maximum(held.sum(axis=0), 1e-300)
    return allocations[:, np.argsort(centre)]


def named(problem: Problem, draws: Draws, pivot: np.ndarray) -> Draws:
    """Return draws, arrays (S, K, ...), their components named as the pivot's, (N, K); see `allocation`."""
    allocations = of_problem(problem, draws)
    return permuted(draws, match(allocations.surprise(pivot[allocations.points]))[0])
