"""Repeating one cell, and saying whether it came out the same; the store is not touched."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from experiments.engine.places import place_of
from experiments.engine.plan import PlannedCell
from experiments.engine.store.files import read_tree
from experiments.engine.store.folder import Store
from experiments.engine.workers import machine
from experiments.engine.workers.executors import LOCAL, executor
from experiments.engine.workers.interface import Outcome, Task
from experiments.records.result import NotFinite
from experiments.records.study import Cell
from hand_cavi import InputError


@dataclass(frozen=True)
class Repeat:
    """What came of repeating a cell.

    Attributes
    ----------
    reproduced : bool
        Whether all draws and the bound are equal bit for bit; if it had failed, whether it did so again.
    differences : dict of str to float
        The largest difference of each variable that is not equal, infinite where shapes differ; the draws
        by their names, and ``bound``.
    changes : dict of str to tuple, or None
        What was another then, and is another now: the content of the key, and the machine; None where how it
        was made was not kept.
    """

    place: str
    status: str
    message: str
    reproduced: bool
    differences: dict[str, float]
    changes: dict[str, tuple[Any, Any]] | None


def repeat(folder: Path, cell: Cell, planned: PlannedCell) -> Repeat:
    """Repeat a cell of the study in a folder, as `planned` today.

    Raises InputError if the cell has not been run, or the file of its draws is damaged.
    """
    with Store.open(folder, writable=False) as store:
        stored, made = store.cell(cell.key), store.provenances().get(cell.key)
    if stored is None:
        raise InputError(f"{place_of(cell)} has not been run yet; there is nothing to compare with")
    then = read_tree(stored.draws) if stored.draws is not None else None
    outcome = _outcome(planned.task)
    result = outcome.value
    status, message = outcome.status, outcome.message
    if isinstance(result, NotFinite):
        status, message, result = "not_finite", result.message, None
    differences: dict[str, float] = {}
    if then is not None and result is not None:
        differences = different(then, result.draws)
        if stored.bound != result.bound:
            known = stored.bound is not None and result.bound is not None
            differences["bound"] = abs(stored.bound - result.bound) if known else np.inf
    changes = None
    if made is not None:
        changes = dict(_changes(made.content, planned.content))
        changes |= _changes(made.machine, machine.describe(), "machine")
    same = status == stored.status and (status == "ok" or message == stored.message)
    return Repeat(place_of(cell), status, message, same and not differences, differences, changes)


def _outcome(task: Task) -> Outcome:
    """Return how a task ends, run alone in a worker."""
    with executor(LOCAL, 1) as runs:
        runs.submit(task)
        return next(runs.results())


def different(then: xr.DataTree, now: xr.DataTree) -> dict[str, float]:
    """Return the largest difference of every variable of two trees that is not equal bit for bit."""
    before, after = dict(_variables(then)), dict(_variables(now))
    found = {}
    for name in before | after:
        a, b = before.get(name), after.get(name)
        if a is None or b is None or a.shape != b.shape:
            found[name] = np.inf
        elif not np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f"):
            with np.errstate(invalid="ignore"):
                gaps = np.abs(a.astype(np.float64) - b.astype(np.float64))
            found[name] = float(np.max(np.where(np.isnan(gaps), np.inf, gaps)))
    return found


def _variables(tree: xr.DataTree) -> Iterator[tuple[str, np.ndarray]]:
    for node in tree.subtree:
        for name, array in node.data_vars.items():
            yield (str(name) if node.name == "posterior" else f"{node.name}/{name}"), array.values


def _changes(then: Any, now: Any, name: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield what differs in two pieces of JSON, by its path."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            yield from _changes(then.get(key), now.get(key), f"{name}.{key}" if name else str(key))
    elif _plain(then) != _plain(now):
        yield name, (then, now)


def _plain(value: Any) -> Any:
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
