"""A study as a whole, put together from what its store keeps."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from experiments.engine.store.folder import Store
from experiments.records.measured import Verdict
from experiments.records.result import Reference
from experiments.records.study import CellRecord, Judgement, ProblemEntry, ProblemRecord, StudyRecord
from hand_cavi import InputError

_NOT_JUDGED = Verdict("none", "This has not been judged yet.", np.nan)
_NO_REFERENCE = Reference("none", False, "The problem has not been judged yet.")


def _problem_record(store: Store, entry: ProblemEntry, read: Mapping[str, CellRecord]) -> ProblemRecord:
    """Return a problem with all its cells; a cell that has not been run has the status ``missing``."""
    problem = store.problem(entry.key)
    if problem is None and entry.has_content:
        raise InputError(
            f"the study in {store.folder} holds no data for {entry.dataset!r}; run it again to complete it"
        )
    judgement = store.judgement(entry.key) or Judgement(_NO_REFERENCE)
    cells = tuple(
        read.get(cell.key) or store.cell(cell.key) or CellRecord(cell, "missing", store.why_missing(cell.key))
        for cell in entry.cells
    )
    kept_apart = ("key", "cells", "has_content")
    about = {name: value for name, value in vars(entry).items() if name not in kept_apart}
    return ProblemRecord(
        problem=problem,
        reference=judgement.reference,
        cells=cells,
        reference_cell=judgement.reference_cell,
        second_cell=judgement.second_cell,
        details=judgement.details,
        content=store.content(entry.key, (cell.key for cell in entry.cells)),
        **about,
    )


def study_record(store: Store, read: Mapping[str, CellRecord] = MappingProxyType({})) -> StudyRecord:
    """Return the whole study, all that a report needs; cells that were `read` are not read again, by key.

    Raises InputError if the folder holds no study, or only the beginning of one, or lacks a problem's data.
    """
    manifest = store.manifest()
    if manifest is None:
        raise InputError(f"there is no study in {store.folder} yet; run one there first")
    problems = tuple(_problem_record(store, entry, read) for entry in manifest.problems)
    kept = {**vars(manifest), "problems": problems}
    return StudyRecord(folder=store.folder, verdict=store.verdict() or _NOT_JUDGED, **kept)
