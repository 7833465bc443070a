"""DataTrees in and out: the components' parameters as arrays, and the tree with its components renamed."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from experiments.records import Draws
from hand_cavi import InputError

SAMPLE = ("chain", "draw")
_LOG_DENSITIES = ("log_joint", "lp", "logp")  # ours, PyMC's, nutpie's


def posterior_of(tree: xr.DataTree) -> xr.Dataset:
    """Return the posterior group, or raise InputError if there are no draws in it."""
    if not isinstance(tree, xr.DataTree):
        raise InputError(
            f"relabel takes a DataTree, such as PyMC's and ArviZ's; a {type(tree).__name__} came"
        )
    if "posterior" not in tree.children:
        there = ", ".join(tree.children) or "none"
        raise InputError(f"the tree has no group 'posterior'; its groups are: {there}")
    posterior = tree["posterior"].to_dataset()
    if any(dim not in posterior.sizes for dim in SAMPLE):
        raise InputError(f"the posterior has dimensions {_listed(posterior.sizes)}; it needs chain and draw")
    if posterior.sizes["chain"] * posterior.sizes["draw"] == 0:
        raise InputError("the posterior holds no draws")
    return posterior


def component_dims(posterior: xr.Dataset, asked: str | Sequence[str]) -> tuple[str, ...]:
    """Return the components' dimensions, or say in one sentence what is wrong with them."""
    dims = (asked,) if isinstance(asked, str) else tuple(asked)
    others = [dim for dim in posterior.sizes if dim not in SAMPLE]
    missing = [dim for dim in dims if dim not in others]
    if missing or not dims:
        raise InputError(
            f"no posterior variable has the dimension {_listed(missing) or '(none given)'}; name that of the "
            f"components in component_dim (there are: {_listed(others) or 'none'})"
        )
    for name, variable in posterior.data_vars.items():
        if sum(dim in dims for dim in variable.dims) > 1:
            raise InputError(
                f"{name} has several dimensions of components, {_listed(variable.dims)}; rows and columns "
                "would have to be renamed together, which relabel does not do: drop it from the tree first"
            )
    sizes = {dim: posterior.sizes[dim] for dim in dims}
    if len(set(sizes.values())) > 1:
        raise InputError(f"the components' dimensions must be equally long; they are {sizes}")
    return dims


def parameters(posterior: xr.Dataset, dims: tuple[str, ...], leave_out: str | None) -> Draws:
    """Return every variable with components as an array (S, K, ...), the chains end to end."""
    draws: Draws = {}
    for name, variable in posterior.data_vars.items():
        mine = [dim for dim in variable.dims if dim in dims]
        if not mine or name == leave_out or not set(SAMPLE) <= set(variable.dims):
            continue
        values = variable.transpose(*SAMPLE, mine[0], ...).to_numpy()
        if not np.isfinite(values).all():
            raise InputError(f"some draws of {name} are not finite; relabelling needs draws that are")
        draws[str(name)] = values.reshape(-1, *values.shape[2:])
    if not draws:
        raise InputError(f"no parameter with the dimension {_listed(dims)} is there to be relabelled")
    return draws


def log_density(tree: xr.DataTree) -> np.ndarray | None:
    """Return the log density of every draw that the sampler noted, shape (S,), if it did."""
    if "sample_stats" not in tree.children:
        return None
    stats = tree["sample_stats"].to_dataset()
    for name in _LOG_DENSITIES:
        if name in stats and set(stats[name].dims) == set(SAMPLE):
            values = stats[name].transpose(*SAMPLE).to_numpy().reshape(-1)
            return values if np.isfinite(values).all() else None
    return None


def renamed(
    tree: xr.DataTree, order: np.ndarray, ambiguous: np.ndarray, dims: tuple[str, ...], latent: str | None
) -> xr.DataTree:
    """Return the tree with component ``order[s, j]`` of draw s in place j, and with what was done.

    The order has shape (S, K), `ambiguous` (S,). Values of the variable `latent` are numbers of components.
    """
    posterior = tree["posterior"].to_dataset()
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    naming = order.reshape(*shape, -1)

    def rename(variable: xr.DataArray) -> xr.DataArray:
        mine = [dim for dim in variable.dims if dim in dims]
        if variable.name == latent:
            values = variable.transpose(*SAMPLE, ...)
            new = np.take_along_axis(np.argsort(naming, axis=2), values.to_numpy(), axis=2)
            return values.copy(data=new.astype(variable.dtype)).transpose(*variable.dims)
        if not mine or not set(SAMPLE) <= set(variable.dims):
            return variable
        values = variable.transpose(*SAMPLE, mine[0], ...)
        index = naming.reshape(naming.shape + (1,) * (values.ndim - 3))
        moved = np.take_along_axis(values.to_numpy(), index, axis=2)
        return values.copy(data=moved).transpose(*variable.dims)

    out = tree.copy()
    out["posterior"] = xr.DataTree(posterior.map(rename, keep_attrs=True))
    sample_coords = {dim: posterior.coords[dim] for dim in SAMPLE if dim in posterior.coords}
    stats = xr.Dataset(coords=sample_coords)
    if "sample_stats" in tree.children:
        stats = tree["sample_stats"].to_dataset().drop_vars(["naming", "ambiguous"], errors="ignore")
    stats["ambiguous"] = (SAMPLE, ambiguous.reshape(shape))
    stats["naming"] = ((*SAMPLE, dims[0]), naming)
    out["sample_stats"] = xr.DataTree(stats)
    return out


def _listed(names: object) -> str:
    return ", ".join(str(name) for name in names)  # type: ignore[attr-defined]
