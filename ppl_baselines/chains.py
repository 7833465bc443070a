"""What samplers return, in one form: chains side by side, statistics under the names that PyMC gives them."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

_STATISTICS = {  # another sampler's name -> PyMC's
    "logp": "lp",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "mean_tree_accept": "acceptance_rate",
}
_KEPT = (
    "diverging",
    "energy",
    "lp",
    "tree_depth",
    "n_steps",
    "acceptance_rate",
    "step_size",
    "reached_max_treedepth",
)


def side_by_side(chains: Iterable[xr.DataTree]) -> xr.DataTree:
    """Join runs of one chain each into one of many.

    Parameters
    ----------
    chains : iterable of DataTree
        Each with the groups ``posterior`` and ``sample_stats``, and the dim ``chain`` of length 1.

    Returns
    -------
    xarray.DataTree
        The two groups, the chains numbered from 0.
    """
    trees = list(chains)
    return xr.DataTree.from_dict(
        {
            group: xr.concat(
                [tree[group].to_dataset().assign_coords(chain=[number]) for number, tree in enumerate(trees)],
                dim="chain",
            )
            for group in ("posterior", "sample_stats")
        }
    )


def harmonised(statistics: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the statistics that matter, under PyMC's names, each of shape (chain, draw).

    ``diverging`` and ``energy`` are among them whatever the sampler, so that divergences and E-FMI are found
    alike.
    """
    named = statistics.rename({theirs: ours for theirs, ours in _STATISTICS.items() if theirs in statistics})
    return {name: named[name].values for name in _KEPT if name in named}
