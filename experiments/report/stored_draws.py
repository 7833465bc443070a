"""Canonical draws as they are shown: thinned, put in order, or with their components named alike."""

from pathlib import Path

import numpy as np
import xarray as xr

from experiments.engine.store.files import read_tree
from experiments.posterior.draws import location, permuted
from experiments.records import Draws, ProblemRecord
from experiments.relabel import pivot_of, relabel


def thinned(draws: Draws, most: int) -> Draws:
    """Return at most so many draws, taken evenly."""
    n_draws = len(next(iter(draws.values()), []))
    some = np.linspace(0, n_draws - 1, min(n_draws, most)).round().astype(int)
    return {name: values[some] for name, values in draws.items()}


def in_order(draws: Draws) -> Draws:
    """Return the draws with the components of each draw sorted by their first feature's mean (or rate)."""
    return permuted(draws, np.argsort(location(draws)[..., 0], axis=1))


def relabelled_tree(problem: ProblemRecord, path: Path, *, raw: bool = False) -> xr.DataTree:
    """Return the draws in a file; those of a mixture with their components named alike, unless `raw`.

    Names are those of the problem's best draw, by allocations of points (`experiments.relabel.named`).
    """
    tree = read_tree(path)
    if raw or problem.problem is None:
        return tree
    return relabel(tree, problem=problem.problem, pivot=pivot_of(problem.problem, tree))
