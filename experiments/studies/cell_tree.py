"""The draws of a cell of a study, as ArviZ wants them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from experiments.engine.store.files import read_tree
from experiments.methods import label
from experiments.records import CellRecord, ProblemRecord
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr


def tree_of_cell(
    problem: ProblemRecord,
    cell: CellRecord,
    *,
    versions: Mapping[str, str] | None = None,
    raw: bool = False,
    seed: int = 0,
) -> "xr.DataTree":
    """Return the DataTree of a cell that ended well, its components named as those of the reference.

    Parameters
    ----------
    problem : ProblemRecord
        That the cell is one of.
    versions : mapping, optional
        Of the libraries, as of `StudyRecord`.
    raw, seed
        As of `experiments.relabel.datatree.datatree`, which says what is in it.

    Returns
    -------
    xarray.DataTree
        Of a user's own model the draws as they are stored, without groups of single points.

    Raises
    ------
    InputError
        If the cell has no draws, or their file is damaged or missing.
    """
    where = f"{problem.dataset}/{problem.model}/{cell.cell.method}"
    if cell.draws is None:
        raise InputError(f"{where} has no draws: it is {cell.status}. {cell.message}")
    try:
        draws = read_tree(cell.draws)
    except FileNotFoundError:
        raise InputError(f"the draws of {where} are missing; run the study again") from None
    about = _attributes(problem, cell, versions or {})
    if problem.problem is None:
        draws.attrs.update(about)
        return draws
    from experiments.relabel import pivot_of  # imports xarray
    from experiments.relabel.datatree import datatree

    truth = None if raw or not problem.reference.qualified else problem.reference.draws
    return datatree(
        draws,
        problem.problem,
        raw=raw,
        features=problem.features,
        unit=problem.unit,
        pivot=None if truth is None else pivot_of(problem.problem, truth),
        attributes=about,
        seed=seed,
    )


def _attributes(problem: ProblemRecord, cell: CellRecord, versions: Mapping[str, str]) -> dict[str, object]:
    """Return what identifies the draws, and how they were made; netCDF takes strings and numbers alone."""
    about = {
        "method": cell.cell.method,
        "method_label": label(cell.cell.kind or cell.cell.method),
        "dataset": problem.dataset,
        "model": problem.model,
        "repeat": problem.repeat,
        "about_data": problem.about_data,
        "about_model": problem.about_model,
        "outcome": cell.outcome,
        "bound": cell.bound,
        "bound_se": cell.bound_se,
        "sampling_time": cell.seconds_run,
        "key": cell.cell.key,
        "inference_library": "elbowroom",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
    return {name: value for name, value in about.items() if value is not None and value != ""}
