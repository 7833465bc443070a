"""What a user hands over besides the draws: allocations, the data, a pivot. All of it is checked here."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from experiments.records import Problem
from experiments.relabel.allocations import Allocations, at_hand, indicators
from experiments.relabel.trees import SAMPLE
from hand_cavi import DirichletCategorical, InputError
from hand_cavi.inputs import as_numbers

FOUND_BY_NAME = ("allocation_probabilities", "allocations", "assignments")
"""Variables of the posterior that are taken as allocations where nothing else is handed over."""

_ROUNDING = 1e-3  # by which probabilities of single precision may miss 1


def variable_of(
    tree: xr.DataTree, asked: ArrayLike | xr.DataArray | str | None
) -> xr.DataArray | np.ndarray | None:
    """Return the allocations asked for, those that the tree carries under a known name, or None."""
    if asked is None:
        found = [name for name in FOUND_BY_NAME if name in tree["posterior"].data_vars]
        return tree["posterior"].data_vars[found[0]] if found else None
    if isinstance(asked, xr.DataArray):
        return asked
    if not isinstance(asked, str):
        return as_numbers(asked, "allocations")
    for group in ("posterior", *(name for name in tree.children if name != "posterior")):
        if asked in tree[group].data_vars:
            return tree[group].data_vars[asked]
    there = ", ".join(f"{group}: {', '.join(map(str, tree[group].data_vars))}" for group in tree.children)
    raise InputError(f"allocations={asked!r} is no variable of the tree; there are {there}")


def allocations_of(
    variable: xr.DataArray | np.ndarray, shape: tuple[int, int], n_components: int, dims: tuple[str, ...]
) -> Allocations:
    """Return allocations that were handed over, checked; the shape is chains and draws.

    They are (chain, draw, point, component) probabilities, or (chain, draw, point) whole numbers; a
    DataArray's dimensions, of which `dims` are the components', may stand in any order.
    """
    values = _in_order(variable, dims) if isinstance(variable, xr.DataArray) else variable
    if values.ndim not in (3, 4) or values.shape[:2] != shape or 0 in values.shape:
        raise InputError(
            f"the allocations have shape {values.shape}; these draws need {(*shape, 'points', n_components)} "
            f"probabilities or {(*shape, 'points')} whole numbers".replace("'", "")
        )
    flat = values.reshape(-1, *values.shape[2:])
    if values.ndim == 3:
        if values.dtype.kind not in "iu":
            raise InputError(
                "allocations of shape (chain, draw, point) must be whole numbers, the components' places; "
                "probabilities need a fourth axis, components"
            )
        if flat.min() < 0 or flat.max() >= n_components:
            raise InputError(
                f"the allocations go from {flat.min()} to {flat.max()}; they must go from 0 to "
                f"{n_components - 1}, the first component being 0"
            )
        return at_hand(flat, n_components)
    if values.shape[3] != n_components:
        raise InputError(
            f"the allocation probabilities are for {values.shape[3]} components, the draws for {n_components}"
        )
    if not np.isfinite(flat).all() or flat.min() < 0 or np.abs(flat.sum(axis=2) - 1).max() > _ROUNDING:
        raise InputError("allocation probabilities must not be negative, and must sum to 1 over components")
    return at_hand(flat, n_components)


def _in_order(variable: xr.DataArray, dims: tuple[str, ...]) -> np.ndarray:
    mine = [dim for dim in variable.dims if dim in dims]
    points = [dim for dim in variable.dims if dim not in (*SAMPLE, *mine)]
    if not set(SAMPLE) <= set(variable.dims) or len(points) != 1 or len(mine) > 1:
        raise InputError(
            f"the allocations have dimensions ({', '.join(map(str, variable.dims))}); they need chain, draw, "
            f"one of points, and {' or '.join(dims)} for probabilities (component_dim says what it is called)"
        )
    return variable.transpose(*SAMPLE, points[0], *mine).to_numpy()


def data_of(tree: xr.DataTree, asked: ArrayLike | str | None, problem: Problem | None) -> np.ndarray | None:
    """Return the data, (N, L): those handed over, the problem's, or those of ``observed_data``."""
    if asked is None and problem is not None:
        family = problem.mixture.components
        if isinstance(family, DirichletCategorical):  # indicators of the categories
            return family.with_features(problem.x.shape[1]).statistics(problem.x)[:, :-1]
        return problem.x
    observed = tree["observed_data"].data_vars if "observed_data" in tree.children else {}
    if isinstance(asked, str):
        if asked not in observed:
            there = ", ".join(map(str, observed)) or "none"
            raise InputError(f"data={asked!r} is no variable of observed_data; there are: {there}")
        values = observed[asked].to_numpy()
    elif asked is not None:
        values = as_numbers(asked, "the data")
    elif len(observed) == 1:
        values = next(iter(observed.values())).to_numpy()
    else:
        return None
    if values.ndim not in (1, 2) or values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise InputError("the data must be finite numbers of shape (points,) or (points, features)")
    return values.reshape(len(values), -1).astype(np.float64)


def pivot_of_user(
    pivot: ArrayLike | int | None, n_draws: int, allocations: Allocations | None
) -> tuple[np.ndarray | None, int | None]:
    """Return the pivot as probabilities of the points that are looked at, (n, K), and as a draw's number.

    One of them is None, or both.
    """
    if pivot is None:
        return None, None
    values = as_numbers(pivot, "the pivot")
    if values.ndim == 0:
        if values.dtype.kind not in "iu" or not 0 <= values < n_draws:
            raise InputError(f"pivot={pivot} must be the number of a draw, 0 to {n_draws - 1}, or an array")
        return None, int(values)
    if allocations is None:
        raise InputError(
            "the pivot says which points belong to which component, and nothing says so of the draws: hand "
            "over allocations= or problem=, or give the number of a draw as pivot"
        )
    n_points, n_components = allocations.n_points, allocations.n_components
    if values.shape == (n_points,) and values.dtype.kind in "iu":
        if values.min() < 0 or values.max() >= n_components:
            raise InputError(f"a pivot of whole numbers must go from 0 to {n_components - 1}")
        values = indicators(values, n_components)
    if values.shape != (n_points, n_components):
        raise InputError(
            f"the pivot has shape {values.shape}; {n_points} points and {n_components} components "
            f"need ({n_points}, {n_components})"
        )
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all() or values.min() < 0:
        raise InputError("the pivot must hold finite probabilities")
    return values[allocations.points].astype(np.float64), None
