"""What is kept of a study: cells, problems, and how they were judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from experiments.records.calibration import ModelCalibration
from experiments.records.measured import Measurement, Verdict
from experiments.records.problem import Problem
from experiments.records.result import Reference, Told


@dataclass(frozen=True)
class Cell:
    """The identity of one run of one method: where it stands in the grid, and its content key.

    Data set, model and method have the user's names; `kind` is the method's plugin, such as ``cavi``.
    """

    dataset: str
    model: str
    method: str
    repeat: int
    key: str
    kind: str = ""


@dataclass(frozen=True)
class CellRecord:
    """What is kept of one cell.

    Attributes
    ----------
    status, traceback, printed : str
        ``ok``, ``failed`` (an exception), ``crashed`` (its process died), ``timed_out``, ``not_finite``;
        that of the exception by which it failed, else empty; the end of what it printed.
    message, outcome, seconds_compile, seconds_run, bound, bound_se, info, trace, told
        See `MethodResult`; but for the message empty or None if it did not get so far.
    draws : Path, bytes or None
        The netCDF file of the draws; what it holds, where a judge on another machine could not read it.
    measurements, verdict : mapping of str to Measurement, Verdict or None
        By metric name; None until judged.
    """

    cell: Cell
    status: str
    message: str
    outcome: str = ""
    seconds_compile: float | None = None
    seconds_run: float | None = None
    bound: float | None = None
    bound_se: float | None = None
    info: Mapping[str, object] = field(default_factory=dict)
    trace: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    draws: Path | bytes | None = None
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    verdict: Verdict | None = None
    told: Told = field(default_factory=Told)
    traceback: str = ""
    printed: str = ""

    @property
    def ended_well(self) -> bool:
        """Whether it ran to its end and was measured: one without measurements was never judged."""
        return self.status == "ok" and bool(self.measurements)


@dataclass(frozen=True)
class ProblemRecord:
    """One problem of a study with all its cells, in the order of the study's methods, for the report.

    Attributes
    ----------
    about_data, about_model : str
        A sentence on where the data come from, and what was done to them; the model's formula, as plain text.
    unit, features : str, tuple of str
        What one unit of x is, such as ``1000 km/s``, and the D columns' names; empty if unknown.
    problem : Problem or None
        None where the data are in the user's module, or simulated by each cell.
    reference_cell, second_cell : str or None
        The key of the cell whose draws are the reference; of that in another language against which this one
        is judged, if there is one.
    series : str
        The model's name without its number of components, in a study over K; else empty.
    content : str
        The sha256 of all that the store keeps of it; empty if it does not come from a store.
    """

    dataset: str
    model: str
    repeat: int
    about_data: str
    about_model: str
    unit: str
    problem: Problem | None
    reference: Reference
    cells: tuple[CellRecord, ...]
    features: tuple[str, ...] = ()
    series: str = ""
    reference_cell: str | None = None
    second_cell: str | None = None
    details: ModelCalibration | None = None
    content: str = ""


@dataclass(frozen=True)
class StudyRecord:
    """A whole study, all that a report needs, and the verdict on it.

    The kind is ``mixtures``, ``own`` or ``calibration``, `config` is TOML text, `seed` the root seed. The
    machine is processor, cores and memory, but no host name, no user, no path.
    """

    name: str
    folder: Path
    verdict: Verdict
    problems: tuple[ProblemRecord, ...]
    config: str
    seed: int
    versions: dict[str, str]
    machine: dict[str, str]
    kind: str = "mixtures"


@dataclass(frozen=True)
class ProblemEntry:
    """A problem's place in a study, with the texts of `ProblemRecord` and the content key of data and model.

    `has_content` tells whether the problem's data are kept in the store.
    """

    key: str
    dataset: str
    model: str
    repeat: int
    about_data: str
    about_model: str
    unit: str
    cells: tuple[Cell, ...]
    features: tuple[str, ...] = ()
    series: str = ""
    has_content: bool = True


@dataclass(frozen=True)
class Manifest:
    """A study's table of contents; the fields are those of `StudyRecord`, problems in a report's order."""

    name: str
    config: str
    seed: int
    versions: dict[str, str]
    machine: dict[str, str]
    problems: tuple[ProblemEntry, ...]
    kind: str = "mixtures"


@dataclass(frozen=True)
class Judgement:
    """What the judge found for one problem; fields of a name are those of `ProblemRecord`.

    Measurements and verdicts are by cell key, measurements then by metric name; the traceback is of the
    exception by which judging failed, else empty.
    """

    reference: Reference
    measurements: dict[str, dict[str, Measurement]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    reference_cell: str | None = None
    second_cell: str | None = None
    details: ModelCalibration | None = None
    traceback: str = ""

    @property
    def cell_keys(self) -> frozenset[str]:
        """The cells that were judged."""
        return frozenset(self.measurements) | frozenset(self.verdicts)
