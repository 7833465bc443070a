"""A problem's data as a DataTree, there and back."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.engine.store.files import damage
from experiments.engine.store.jsonable import dumps, loads
from experiments.records.problem import Condensation, Problem
from hand_cavi import InputError, Mixture

if TYPE_CHECKING:
    import xarray as xr


def data_tree(problem: Problem) -> "xr.DataTree":
    """Return x, weights and truth, for a file."""
    import xarray as xr

    data: dict[str, object] = {"x": (("point", "feature"), problem.x)}
    attributes = {}
    if problem.condensation is not None:
        attributes["condensation"] = dumps(problem.condensation)
    if problem.sample_weight is not None:
        data["sample_weight"] = (("point",), problem.sample_weight)
    truth = {
        name: ([f"{name}_axis_{axis}" for axis in range(np.ndim(values))], values)
        for name, values in problem.truth.items()
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(data, attrs=attributes), "/truth": xr.Dataset(truth)})


def condensation_in(path: Path) -> Condensation | None:
    """Return how well nodes stand for a larger data set, from the head of its file alone: that is quick."""
    import h5netcdf

    try:
        with h5netcdf.File(path, "r") as file:
            about = file.attrs.get("condensation")
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError, KeyError):
        raise InputError(damage(path)) from None
    return loads(about, Condensation) if about else None


def problem_of(tree: "xr.DataTree", mixture: Mixture) -> Problem:
    """Return the problem whose data `data_tree` gave."""
    data = tree.to_dataset()
    weight = data["sample_weight"].values if "sample_weight" in data else None
    truth = {str(name): array.values for name, array in tree["truth"].data_vars.items()}
    about = data.attrs.get("condensation")
    return Problem(mixture, data["x"].values, weight, truth, loads(about, Condensation) if about else None)
