"""Records of the older engines as `StudyRecord`, until these engines write it themselves.

To be deleted with `CustomStudyRecord` and `CalibrationRecord`: all else of the report knows neither.
"""

from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.records import (
    Coverage,
    Design,
    Effect,
    MethodCalibration,
    ModelCalibration,
    ProblemRecord,
    QuantityCalibration,
    Reference,
    StudyRecord,
    Verdict,
)
from experiments.report import ReportPaths, write_report
from experiments.report.tables import by_quantity
from experiments.report.tables.table import Table

if TYPE_CHECKING:
    from experiments.calibration import records as old
    from experiments.studies.own_run import CustomProblemRecord, CustomStudyRecord


def write_custom_report(record: "CustomStudyRecord", folder: Path) -> ReportPaths:
    """Write the report of a study of own models."""
    problems = tuple(_problem(one) for one in record.problems)
    return write_report(_study(record, record.verdict, problems, "own"), folder)


def write_calibration_report(record: "old.CalibrationRecord", folder: Path) -> ReportPaths:
    """Write the report of a calibration."""
    design = Design(
        record.replicates,
        record.points,
        record.error_rate,
        record.test_level,
        record.shift_margin,
        record.width_margin,
    )
    decision = {"calibrated": "pass", "flagged": "fail"}.get(record.decision, record.decision)
    none = Reference("none", False, "")
    models = tuple(
        ProblemRecord("", m.model, 1, "", m.about, "", None, none, (), details=_model(m, design))  # type: ignore[arg-type]
        for m in record.models
    )
    return write_report(
        _study(record, Verdict(decision, record.sentence, nan), models, "calibration"), folder
    )


def methods_table(problem: "CustomProblemRecord") -> Table:
    """Return the table of methods."""
    return by_quantity.methods_table(_problem(problem))


def moments_table(problem: "CustomProblemRecord") -> Table | None:
    """Return the table of means."""
    return by_quantity.moments_table(_problem(problem))


def _study(
    old_record: "CustomStudyRecord | old.CalibrationRecord",
    verdict: Verdict,
    problems: tuple[ProblemRecord, ...],
    kind: str,
) -> StudyRecord:
    one = old_record
    return StudyRecord(
        one.name, one.folder, verdict, problems, one.config, one.seed, one.versions, one.machine, kind
    )


def _problem(one: "CustomProblemRecord") -> ProblemRecord:
    notes = {
        cell.cell.key: cell.measurements["mean_error"].note
        for cell in one.cells
        if "mean_error" in cell.measurements
    }
    key = next((key for key, note in notes.items() if "this run is the reference" in note), None)
    about = one.dataset, one.model, one.repeat, one.about_data, one.about_model, ""
    return ProblemRecord(*about, None, one.reference, one.cells, reference_cell=key)  # type: ignore[arg-type]


def _model(one: "old.ModelResult", design: Design) -> ModelCalibration:
    return ModelCalibration(one.model, one.mixture, one.about, tuple(map(_method, one.methods)), design)


def _method(one: "old.MethodResult") -> MethodCalibration:
    fields = {name: getattr(one, name) for name in MethodCalibration.__dataclass_fields__}
    return MethodCalibration(**fields | {"quantities": tuple(map(_quantity, one.quantities))})


def _quantity(one: "old.QuantityResult") -> QuantityCalibration:
    shift, width = (Effect(e.value, e.low, e.high, e.p_value) for e in (one.shift, one.width))
    coverage = tuple(Coverage(c.level, c.share, c.low, c.high) for c in one.coverage)
    return QuantityCalibration(
        one.quantity,
        one.decision,
        one.findings,
        shift,
        width,
        one.band_p,
        one.symmetry_p,
        coverage,
        one.places,
        one.needs,
    )
