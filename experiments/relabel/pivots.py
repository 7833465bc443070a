"""Does a conclusion depend on the pivot? The same draws named by two pivots, compared.

Where posterior modes are well apart, any typical draw and any good fit name the draws alike. Where they are
not, the names, and all component-wise figures with them, are partly the pivot's doing: this tells how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from experiments.records import Problem
from experiments.relabel.relabelling import relabel
from experiments.relabel.trees import component_dims, parameters, posterior_of


@dataclass(frozen=True)
class PivotDependence:
    """How far two namings of the same draws differ.

    Attributes
    ----------
    share : float
        Of the draws, those named differently, after the best exchange of names that is the same for all.
    largest_change : float
        Of a parameter's mean from one naming to the other, in posterior standard deviations (the root mean
        square of both namings' standard deviations).
    where : str
        Which parameter that is, such as ``mu of component 2``, counted from 1 in the first naming.
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
    datatree, method, problem, allocations, component_dim
        As in `relabel`.
    first, second : array_like, shape (N, K) or (N,), or int
        Two pivots, as in `relabel`; for example ``Fit.responsibilities(x)`` of a CAVI fit, and a sampler's
        best draw. Their components may be numbered differently.

    Raises
    ------
    InputError
        As `relabel` does.
    """
    dims = component_dims(posterior_of(datatree), component_dim)
    named = [
        relabel(
            datatree,
            method,
            problem=problem,
            pivot=pivot,
            allocations=allocations,
            component_dim=component_dim,
        )
        for pivot in (first, second)
    ]
    namings = (tree["sample_stats"]["naming"].to_numpy() for tree in named)
    exchange, share = best_exchange(*(naming.reshape(-1, naming.shape[-1]) for naming in namings))
    values = [parameters(posterior_of(tree), dims, leave_out=None) for tree in named]
    largest, where = 0.0, "none"
    for name, one in values[0].items():
        other = values[1][name][:, exchange]
        change = _change(one, other)
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


def _change(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how far means (S, K, ...) differ in standard deviations, (K, ...); 0 where nothing varies."""
    sd = np.sqrt((one.var(axis=0) + other.var(axis=0)) / 2)
    moved = np.abs(one.mean(axis=0) - other.mean(axis=0))
    return np.divide(moved, sd, out=np.zeros_like(sd), where=sd > 0)
