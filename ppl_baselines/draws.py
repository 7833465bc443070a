"""Posterior draws in one shape, whatever drew them: canonical names and dims.

Letters: S draws per chain, K components, D features. A precision is a number for each feature where the
family takes features as independent, else a matrix.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

DIMS: dict[str, tuple[str, ...]] = {
    "mu": ("component", "feature"),
    "precision": ("component", "feature"),
    "rate": ("component", "feature"),
    "probability": ("component", "feature", "category"),
    "weights": ("component",),
}
"""The dims of every canonical variable, after (chain, draw)."""

MATRIX_DIMS: dict[str, tuple[str, ...]] = {"precision": ("component", "feature", "other_feature")}
"""The dims of canonical variables where they are matrices."""

SAMPLE_DIMS = ("chain", "draw")


def to_datatree(
    posterior: Mapping[str, np.ndarray],
    *,
    sample_stats: Mapping[str, np.ndarray] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> "xr.DataTree":
    """Gather draws in a DataTree that ArviZ reads.

    Parameters
    ----------
    posterior : mapping of str to ndarray, shape (chain, draw, ...)
        Draws under their canonical names; the trailing axes are those of `DIMS`.
    sample_stats : mapping of str to ndarray, shape (chain, draw), optional
        What the sampler said about each draw.
    attributes : mapping, optional
        Attributes of the ``posterior`` group, such as the sampler's name.

    Returns
    -------
    xarray.DataTree
        With the group ``posterior``, and ``sample_stats`` if there are any.

    Raises
    ------
    ValueError
        If a name is not canonical, or an array has not the axes that its name promises.
    """
    import xarray as xr

    groups = {
        "posterior": _dataset(
            {name: (draws, _dims(name, np.ndim(draws))) for name, draws in posterior.items()}
        )
    }
    groups["posterior"].attrs.update(attributes or {})
    if sample_stats is not None:
        groups["sample_stats"] = _dataset({name: (values, ()) for name, values in sample_stats.items()})
    return xr.DataTree.from_dict(groups)


def _dims(name: str, n_axes: int) -> tuple[str, ...]:
    if name not in DIMS:
        raise ValueError(
            f"{name!r} is not the name of a canonical variable; known are {', '.join(sorted(DIMS))}."
        )
    matrix = MATRIX_DIMS.get(name)
    if matrix is not None and n_axes == len(SAMPLE_DIMS + matrix):
        return matrix
    return DIMS[name]


def _dataset(arrays: Mapping[str, tuple[np.ndarray, tuple[str, ...]]]) -> "xr.Dataset":
    import xarray as xr

    variables = {}
    for name, (values, dims) in arrays.items():
        axes = SAMPLE_DIMS + dims
        if np.ndim(values) != len(axes):
            raise ValueError(f"{name!r} has {np.ndim(values)} axes, but should have ({', '.join(axes)}).")
        variables[name] = (axes, np.asarray(values))
    dataset = xr.Dataset(variables)
    return dataset.assign_coords({dim: np.arange(size) for dim, size in dataset.sizes.items()})
