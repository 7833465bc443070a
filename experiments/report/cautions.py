"""What belongs beside figures by component: which hold no points, and which overlap, by method."""

from dataclasses import replace

import numpy as np

from experiments.methods import label
from experiments.records import Measurement, ProblemRecord
from experiments.report.style.numbers import Shown
from experiments.report.style.words import listed
from hand_cavi.ascent.cautions import IN_DOUBT, OCCUPIED

_EMPTY = "holds no points: the figures are the prior's"
_MIXED = "a component holds no points: sorting mixes the prior's figures in"


def cautions(problem: ProblemRecord) -> list[str]:
    """Return sentences for all methods and the reference, those of the same words together."""
    cells = [(label(cell.cell.method), cell.measurements.get("occupation")) for cell in problem.cells]
    said: dict[str, list[str]] = {}
    for who, one in [*cells, ("the reference", of_reference(problem))]:
        for caution in one.note.split("; ") if one and one.value and one.note else ():
            said.setdefault(caution, []).append(who)
    return [f"{listed(who)}: {caution}." for caution, who in said.items()]


def of_reference(problem: ProblemRecord) -> Measurement | None:
    """Return what the reference's components hold, if that is known."""
    found = (cell.measurements.get("reference_occupation") for cell in problem.cells)
    return next((one for one in found if one is not None), None)


def with_cautions(shown: tuple[Shown, ...], held: Measurement | None, kind: str) -> tuple[Shown, ...]:
    """Return a row's figures with what belongs beside them, by ``component``, or ``sorted``, as notes."""
    if held is None or held.value is None:
        return shown
    points, doubt = np.reshape(held.value, (2, -1))
    notes = np.where(points < OCCUPIED, _EMPTY, np.where(doubt >= IN_DOUBT, "overlaps others", ""))
    if kind == "sorted":
        notes = np.full(len(points), _MIXED if points.min() < OCCUPIED else "")
    each = np.repeat(notes, len(shown) // len(points)).tolist()
    return tuple(replace(one, note=note) for one, note in zip(shown, each, strict=True))
