"""Does a conclusion depend on the pivot? The draws named by two pivots: docs/mathematics.md, section 9."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from experiments.records import Problem
from experiments.relabel.relabelling import relabel
from experiments.relabel.trees import component_dims, parameters, posterior_of


@dataclass(frozen=True)
class PivotDependence:
    """How far two namings of draws differ, after the best exchange of names that is the same for all.

    The share is that of the draws named differently; the largest change that of a parameter's mean, in
    posterior standard deviations (the root mean square of both namings' own); and `where` the parameter, such
    as ``mu of component 2``, counted from 1 in the first naming.
    """

    share: float
    largest_change: float
    where: str


def pivot_dependence(
    datatree: xr.DataTree,
    first: ArrayLike | int,
    second: ArrayLike | int,
    *,
    method: str = "allocation",
    problem: Problem | None = None,
    allocations: ArrayLike | xr.DataArray | str | None = None,
    component_dim: str | Sequence[str] = "component",
) -> PivotDependence:
    """Name the draws by two pivots and say what differs.

    Parameters
    ----------
    first, second : array_like, shape (N, K) or (N,), or int
        Two pivots, whose components may be numbered differently. These and all else are as in `relabel`.

    Raises
    ------
    InputError
        As `relabel` does.
    """
    dims = component_dims(posterior_of(datatree), component_dim)
    by = partial(relabel, problem=problem, allocations=allocations, component_dim=component_dim)
    named = [by(datatree, method, pivot=pivot) for pivot in (first, second)]
    namings = (tree["sample_stats"]["naming"].to_numpy() for tree in named)
    exchange, share = best_exchange(*(naming.reshape(-1, naming.shape[-1]) for naming in namings))
    values = [parameters(posterior_of(tree), dims, leave_out=None) for tree in named]
    largest, where = 0.0, "none"
    for name, one in values[0].items():
        other = values[1][name][:, exchange]
        sd = np.sqrt((one.var(axis=0) + other.var(axis=0)) / 2)
        moved = np.abs(one.mean(axis=0) - other.mean(axis=0))
        change = np.divide(moved, sd, out=np.zeros_like(sd), where=sd > 0)  # 0 where nothing varies
        if change.size and change.max() > largest:
            largest = float(change.max())
            where = f"{name} of component {np.unravel_index(np.argmax(change), change.shape)[0] + 1}"
    return PivotDependence(share, largest, where)


def best_exchange(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the exchange of names that makes two namings agree in most draws, and the share of the others.

    Of namings (S, K), ``second[s, exchange] == first[s]`` for as many draws as possible.
    """
    # In draw s the name j of the first naming is the name needed[s, j] of the second.
    needed = np.take_along_axis(np.argsort(second, axis=1), first, axis=1)
    exchanges, counts = np.unique(needed, axis=0, return_counts=True)
    most = int(np.argmax(counts))
    return exchanges[most], 1 - float(counts[most]) / len(needed)
