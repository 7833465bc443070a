"""A study's record as the one JSON document of ``run --json``, and as the short tables of a terminal."""

from experiments.commands._output import without_nan
from experiments.records import (
    Bracket,
    CellRecord,
    Effect,
    Estimate,
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

    Bounds and evidence are in nats, and evidence that is not leant on is None; ``log_evidence_error_is``
    says what its error is: ``sampling``, a standard error, ``numerical``, or ``rounding``, what is left of
    what is exact; ``evidence_bracket`` has bounds on log p(x) that hold in expectation, where data were
    simulated from the model's own prior, else it is None. ``means`` and ``sds`` are those of the components
    in ascending order, in the data's unit; of a user's own model, those of the quantities in
    ``measurements.means.entries``. ``margin`` is in reference sds; an ``interval`` has both ends of a 95 %
    one; ``entries`` are what the values of a list are called; ``judged_against`` is ``reference``, or, of the
    run that is the reference, the method in another language that it is judged against, if there is one;
    ``condensed`` has the error of the log likelihood in nats and relative to it; ``data_sentence``, whether
    what was fitted fits the data, decides nothing; ``cautions`` tell which components, numbered as those of
    ``component_means``, hold no points or overlap. The verdict of a calibration is calibrated, flagged or
    undecided. ``report`` is where the HTML report lies.
    """
    calibrated = record.kind == "calibration"
    head = {
        "calibration" if calibrated else "study": record.name,
        "store": str(record.folder / "study.sqlite"),
        "report": report,
    }
    found = _calibration(record) if calibrated else _study(record)
    return without_nan(head | found | _fields(record, "seed versions machine"))


def _fields(thing: object, names: str) -> dict[str, object]:
    """Return attributes by their names, which stand between blanks."""
    return {name: getattr(thing, name) for name in names.split()}


def _figure(name: str, figure: Estimate | Measurement | None) -> dict[str, object]:
    """Return a figure under a name, and its standard error beside it; None where it does not exist."""
    return {name: figure and figure.value, f"{name}_se": figure and figure.standard_error}


def _condensed(problem: ProblemRecord) -> dict[str, object] | None:
    """Return how many nodes stand for how many points, and how well; None if the points do so themselves."""
    if problem.problem is None or problem.problem.condensation is None:
        return None
    about = _fields(problem.problem.condensation, "n_points exact error relative_error draws seconds")
    return {"nodes": len(problem.problem.x), **about}


def _bracket(bracket: Bracket | None) -> dict[str, object] | None:
    """Return the bounds on log p(x) from both sides; None where there are none."""
    if bracket is None:
        return None
    bounds = {**_figure("lower", bracket.lower), **_figure("upper", bracket.upper)}
    return bounds | _fields(bracket, "chains temperatures")


def _cell(problem: ProblemRecord, cell: CellRecord) -> dict[str, object]:
    measured, reference = cell.measurements, problem.reference
    own = measured.get("own_bound")
    if own is None or own.value is None:
        own = Measurement(cell.bound, cell.bound_se)
    held = measured.get("occupation")
    sorted_ = "" if "means" in measured else "sorted_"  # a user's own model has its quantities in no order
    judged_against: str | None = "reference"
    if cell.cell.key == problem.reference_cell:
        keys = {one.cell.key: one.cell.method for one in problem.cells}
        judged_against = keys.get(problem.second_cell or "")
    unpaired = ("component_means", "component_sds", "ess_per_second")
    opinions = (
        {"method": one.method, **_figure("log_evidence", one), "log_evidence_error_is": one.error_is}
        for one in reference.opinions
    )
    return {
        **_fields(cell.cell, "dataset model method repeat"),
        "status": cell.status,
        "outcome": cell.outcome or None,
        "message": cell.message,
        "traceback": cell.traceback or None,
        "printed": cell.printed or None,
        "seconds": {"compile": cell.seconds_compile, "run": cell.seconds_run},
        **_figure("elbo", own),
        **_figure("elbo_collapsed", measured.get("collapsed_bound")),
        **_figure("elbo_symmetrised", measured.get("symmetrised_bound")),
        **_figure("log_evidence", reference.evidence),
        "log_evidence_error_is": reference.evidence and reference.evidence.error_is,
        **_figure("evidence_gap", measured.get("evidence_gap")),
        "evidence_bracket": _bracket(reference.bracket),
        "condensed": _condensed(problem),
        "reference": reference.method,
        "reference_qualified": reference.qualified,
        "judged_against": judged_against,
        "opinions": list(opinions),
        **_figure("means", measured.get(f"{sorted_}means")),
        **_figure("sds", measured.get(f"{sorted_}sds")),
        **_figure("mean_error", measured.get("mean_error")),
        **{name: measured[name].value if name in measured else None for name in unpaired},
        "measurements": {name: _measurement(measured[name]) for name in sorted(measured)},
        "cautions": held.note.split("; ") if held and held.value and held.note else [],
        **_verdict(cell.verdict),
        "info": {**_told(cell.told), **cell.info},
    }


def _told(told: Told) -> dict[str, object]:
    """Return what a method told, without what it had nothing to tell of."""
    return {name: value for name, value in vars(told).items() if value not in (None, "", ())}


def _measurement(measurement: Measurement) -> dict[str, object]:
    """Return a measurement with all that belongs to it; the keys are always the same."""
    threshold = measurement.threshold
    return {
        **_fields(measurement, "value standard_error note"),
        "interval": list(measurement.interval) or None,
        "unit": measurement.unit or None,
        "entries": list(measurement.entries) or None,
        "threshold": threshold
        and {
            **_fields(threshold, "value sense is_convention"),
            "source": threshold.source or "convention of this project",
        },
    }


def _study(record: StudyRecord) -> dict[str, object]:
    """Return what a study of mixtures or of own models found."""
    cells = [_cell(problem, cell) for problem in record.problems for cell in problem.cells]
    return {**_verdict(record.verdict), "data_sentence": record.verdict.on_the_data or None, "cells": cells}


def _verdict(verdict: Verdict | None) -> dict[str, object]:
    if verdict is None:
        return {"verdict": None, "verdict_sentence": None, "comparisons": []}
    names = "quantity difference standard_error low high unit margin decision needs"
    return {
        "verdict": verdict.decision,
        "verdict_sentence": verdict.sentence,
        **_fields(verdict, "margin needs impossible judged"),
        "comparisons": [_fields(entry, names) for entry in verdict.comparisons],
    }


def _calibration(record: StudyRecord) -> dict[str, object]:
    """Return what a calibration found, by its own word for the verdict."""
    found = [problem.details for problem in record.problems if problem.details is not None]
    return {
        "verdict": CALIBRATION_WORDS.get(record.verdict.decision, record.verdict.decision),
        "verdict_sentence": record.verdict.sentence,
        **(vars(found[0].design) if found else {}),
        "models": [
            {"model": model.model, "about": model.about, "methods": [_method(one) for one in model.methods]}
            for model in found
        ],
    }


def _method(one: MethodCalibration) -> dict[str, object]:
    return {
        **_fields(one, "method kind judged replicates refused failed processor_seconds"),
        "verdict": one.decision,
        "verdict_sentence": one.sentence,
        "draws_ranked_among": one.ranked,
        "quantities": [_quantity(quantity) for quantity in one.quantities],
    }


def _quantity(one: QuantityCalibration) -> dict[str, object]:
    return {
        **_fields(one, "quantity findings band_p symmetry_p"),
        "verdict": one.decision,
        "shift": _effect(one.shift),
        "width": _effect(one.width),
        "coverage": [{"level": c.level, "share": c.share, "interval": [c.low, c.high]} for c in one.coverage],
        "replicates_needed": one.needs,
    }


def _effect(effect: Effect) -> dict[str, object]:
    return {"value": effect.value, "interval": [effect.low, effect.high], "p": effect.p_value}
