"""A study's record as the one JSON document of ``run --json``, and as the short tables of a terminal."""

import math
from typing import Any

from experiments.records import (
    CellRecord,
    Effect,
    Measurement,
    MethodCalibration,
    ProblemRecord,
    QuantityCalibration,
    StudyRecord,
    Told,
    Verdict,
)

CALIBRATION_WORDS = {"pass": "calibrated", "fail": "flagged"}
"""What a calibration calls the verdicts of every study."""


def summary(record: StudyRecord, *, report: str | None = None) -> dict[str, object]:
    """Return a study's figures as JSON content; a figure that does not exist is None, never 0 or NaN.

    Parameters
    ----------
    report : str, optional
        Where the HTML report lies.

    Returns
    -------
    dict
        ``study``, ``store``, ``report``, ``verdict`` (pass, fail, undecided or none), ``verdict_sentence``,
        ``margin`` (in reference sds), ``cells``. Bounds and evidence are in nats; ``means`` and ``sds`` are
        those of the components in ascending order, in the data's unit; of a user's own model, those of the
        quantities in ``measurements.means.entries``. ``condensed`` says how many nodes stood for how many
        points, and the error of the log likelihood in nats and relative to it. Every cell has
        ``measurements``: each metric by name, with ``value``, ``standard_error``, ``interval`` (both ends of
        a 95 % interval), ``unit``, ``entries`` (what the values of a list are called), ``threshold``
        (``value``, ``sense``, ``source``, ``is_convention``) and ``note``. Of a calibration there are
        ``calibration``, ``store``, ``report``, ``verdict`` (calibrated, flagged or undecided), its design,
        and ``models``; every model has ``methods``, and these have ``quantities`` with effects, p values and
        coverage.
    """
    if record.kind == "calibration":
        return without_nan(_calibration(record, report))
    content = {
        "study": record.name,
        "store": str(record.folder / "study.sqlite"),
        "report": report,
        **_verdict(record.verdict),
        "seed": record.seed,
        "versions": record.versions,
        "machine": record.machine,
        "cells": [_cell(problem, cell) for problem in record.problems for cell in problem.cells],
    }
    return without_nan(content)


def without_nan(content: Any) -> Any:
    """Return JSON content with None in place of NaN and infinities, and lists in place of arrays."""
    if hasattr(content, "tolist"):
        content = content.tolist()
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {str(key): without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return content


def _condensed(problem: ProblemRecord) -> dict[str, object] | None:
    """Return how many nodes stand for how many points, and how well; None if the points do so themselves."""
    if problem.problem is None or problem.problem.condensation is None:
        return None
    names = ("n_points", "exact", "error", "relative_error", "draws", "seconds")
    about = problem.problem.condensation
    return {"nodes": len(problem.problem.x), **{name: getattr(about, name) for name in names}}


def _cell(problem: ProblemRecord, cell: CellRecord) -> dict[str, object]:
    measured = cell.measurements
    collapsed, symmetrised = _figure(measured, "collapsed_bound"), _figure(measured, "symmetrised_bound")
    gap, error = _figure(measured, "evidence_gap"), _figure(measured, "mean_error")
    evidence = problem.reference.log_evidence
    own = _figure(measured, "own_bound")
    of_own_model = "means" in measured  # of a user's own model, whose quantities are in no order
    means, sds = (_figure(measured, name if of_own_model else f"sorted_{name}") for name in ("means", "sds"))
    return {
        "dataset": cell.cell.dataset,
        "model": cell.cell.model,
        "method": cell.cell.method,
        "repeat": cell.cell.repeat,
        "status": cell.status,
        "outcome": cell.outcome or None,
        "message": cell.message,
        "traceback": cell.traceback or None,
        "seconds": {"compile": cell.seconds_compile, "run": cell.seconds_run},
        "elbo": own[0] if own[0] is not None else cell.bound,
        "elbo_se": own[1] if own[0] is not None else cell.bound_se,
        "elbo_collapsed": collapsed[0],
        "elbo_collapsed_se": collapsed[1],
        "elbo_symmetrised": symmetrised[0],
        "elbo_symmetrised_se": symmetrised[1],
        "log_evidence": evidence.value if evidence else None,
        "log_evidence_se": evidence.standard_error if evidence else None,
        "evidence_gap": gap[0],
        "evidence_gap_se": gap[1],
        "condensed": _condensed(problem),
        "reference": problem.reference.method,
        "reference_qualified": problem.reference.qualified,
        "opinions": [
            {"method": one.method, "log_evidence": one.value, "log_evidence_se": one.standard_error}
            for one in problem.reference.opinions
        ],
        "means": means[0],
        "means_se": means[1],
        "sds": sds[0],
        "sds_se": sds[1],
        "component_means": _figure(measured, "component_means")[0],
        "component_sds": _figure(measured, "component_sds")[0],
        "mean_error": error[0],
        "mean_error_se": error[1],
        "ess_per_second": _figure(measured, "ess_per_second")[0],
        "measurements": {name: _measurement(measured[name]) for name in sorted(measured)},
        **_verdict(cell.verdict),
        "info": {**_told(cell.told), **cell.info},
    }


def _told(told: Told) -> dict[str, object]:
    """Return what a method told, without what it had nothing to tell of."""
    return {name: value for name, value in vars(told).items() if value not in (None, "")}


def _measurement(measurement: Measurement) -> dict[str, object]:
    """Return a measurement with all that belongs to it; the keys are always the same."""
    threshold = measurement.threshold
    return {
        "value": measurement.value,
        "standard_error": measurement.standard_error,
        "interval": list(measurement.interval) or None,
        "unit": measurement.unit or None,
        "entries": list(measurement.entries) or None,
        "threshold": threshold
        and {
            "value": threshold.value,
            "sense": threshold.sense,
            "source": threshold.source or "convention of this project",
            "is_convention": threshold.is_convention,
        },
        "note": measurement.note,
    }


def _figure(measured: dict[str, Measurement], name: str) -> tuple[object, object]:
    measurement = measured.get(name)
    return (None, None) if measurement is None else (measurement.value, measurement.standard_error)


def _verdict(verdict: Verdict | None) -> dict[str, object]:
    if verdict is None:
        return {"verdict": None, "verdict_sentence": None, "comparisons": []}
    names = ("quantity", "difference", "standard_error", "low", "high", "unit", "margin", "decision", "needs")
    return {
        "verdict": verdict.decision,
        "verdict_sentence": verdict.sentence,
        "margin": verdict.margin,
        "needs": verdict.needs,
        "impossible": verdict.impossible,
        "comparisons": [{name: getattr(entry, name) for name in names} for entry in verdict.comparisons],
    }


def _calibration(record: StudyRecord, report: str | None) -> dict[str, object]:
    """Return a calibration's figures."""
    found = [problem.details for problem in record.problems if problem.details is not None]
    design = vars(found[0].design) if found else {}
    return {
        "calibration": record.name,
        "store": str(record.folder / "study.sqlite"),
        "report": report,
        "verdict": CALIBRATION_WORDS.get(record.verdict.decision, record.verdict.decision),
        "verdict_sentence": record.verdict.sentence,
        "seed": record.seed,
        **design,
        "versions": record.versions,
        "machine": record.machine,
        "models": [
            {"model": model.model, "about": model.about, "methods": [_method(one) for one in model.methods]}
            for model in found
        ],
    }


def _method(one: MethodCalibration) -> dict[str, object]:
    return {
        "method": one.method,
        "kind": one.kind,
        "judged": one.judged,
        "verdict": one.decision,
        "verdict_sentence": one.sentence,
        "replicates": one.replicates,
        "refused": one.refused,
        "failed": one.failed,
        "draws_ranked_among": one.ranked,
        "processor_seconds": one.processor_seconds,
        "quantities": [_quantity(quantity) for quantity in one.quantities],
    }


def _quantity(one: QuantityCalibration) -> dict[str, object]:
    return {
        "quantity": one.quantity,
        "verdict": one.decision,
        "findings": list(one.findings),
        "shift": _effect(one.shift),
        "width": _effect(one.width),
        "band_p": one.band_p,
        "symmetry_p": one.symmetry_p,
        "coverage": [{"level": c.level, "share": c.share, "interval": [c.low, c.high]} for c in one.coverage],
        "replicates_needed": one.needs,
    }


def _effect(effect: Effect) -> dict[str, object]:
    return {"value": effect.value, "interval": [effect.low, effect.high], "p": effect.p_value}
