"""Canonical draws for pictures: read from a DataTree, thinned, put in order."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from experiments.engine.store.files import read_tree
from experiments.posterior.draws import as_arrays, location
from experiments.records import Draws

MOST_DRAWS = 4000  # a smooth density needs no more


class UnreadableDraws(Exception):
    """The file of a cell's draws is missing or is no file of draws."""


def read_draws(path: Path, prepare: Callable[[xr.DataTree], Draws | None]) -> Draws | None:
    """Return what `prepare` makes of a file of draws; raise `UnreadableDraws`, saying what is wrong."""
    try:
        return prepare(read_tree(path))
    except (OSError, KeyError, ValueError) as error:
        reason = "the file is missing" if isinstance(error, FileNotFoundError) else "the file cannot be read"
        raise UnreadableDraws(f"its draws are not shown: {reason} ({path.name})") from error


def posterior(tree: xr.DataTree) -> Draws:
    """Return the draws of group ``posterior``, chains joined and thinned evenly; (S, K, ...)."""
    return thinned(as_arrays(tree), MOST_DRAWS)


def thinned(draws: Draws, most: int) -> Draws:
    """Return at most so many draws, taken evenly."""
    n_draws = len(next(iter(draws.values()), []))
    some = np.linspace(0, n_draws - 1, min(n_draws, most)).round().astype(int)
    return {name: values[some] for name, values in draws.items()}


def in_order(draws: Draws) -> Draws:
    """Return the draws with the components of each draw sorted by their first feature's mean (or rate).

    A function of the draw alone, whatever the labels: the k-th smallest mean, and what belongs to it.
    """
    first = location(draws)[..., 0]
    order = np.argsort(first, axis=1)
    each = np.arange(len(order))[:, np.newaxis]
    return {
        name: values[each, order] if values.shape[:2] == first.shape else values
        for name, values in draws.items()
    }
