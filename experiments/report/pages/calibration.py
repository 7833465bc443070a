"""The pages of a calibration: what each section says of a model, from its `ModelCalibration`."""

from typing import Any

from experiments.calibration.effects import LEVELS
from experiments.families.formula import story_of
from experiments.methods import label
from experiments.records import Design, MethodCalibration, ProblemRecord, QuantityCalibration, StudyRecord
from experiments.report.figures.calibration_plots import pictures, quantities_of
from experiments.report.outcomes import mark_of
from experiments.report.pages.base import Badged, Kind, Section, Styles, drawn
from experiments.report.style import numbers
from experiments.report.style.glossary import OF_CALIBRATION
from experiments.report.style.numbers import Shown, fixed
from experiments.report.style.palette import MethodStyle, method_styles
from experiments.report.tables.table import Column, Row, Table

_WORDS = {"pass": "calibrated", "fail": "flagged", "undecided": "undecided"}
_COLUMNS = (
    Column("Verdict", numeric=False),
    Column("Shift", "posterior sds"),
    Column("Width", "true / claimed"),
    *(Column(f"{100 * level:g} %", "held, %") for level in LEVELS),
    Column("Band", "p"),
    Column("Symmetry", "p"),
)


def _styles(record: StudyRecord) -> dict[str, MethodStyle]:
    models = [problem.details for problem in record.problems if problem.details is not None]
    return method_styles([one.method for model in models for one in model.methods])


def _frame(record: StudyRecord, styles: Styles) -> dict[str, Any]:
    design = next((problem.details.design for problem in record.problems if problem.details), None)
    return {
        "lede": _lede(design),
        "word": _WORDS.get(record.verdict.decision, ""),
        "design": design,
        "rules": _rules(design) if design is not None else [],
        "glossary": OF_CALIBRATION,
        "caveats": [],
        "seeded": "every replicate and method",
    }


def _lede(design: Design | None) -> str:
    where = "where the true parameters lie among each method's draws."
    if design is None:
        return f"Data simulated from the model itself, and {where}"
    if design.around == "data":
        return (
            f"Parameters drawn from the posterior given the data, {design.replicates} times, new points "
            f"simulated from them, both fitted together, and {where}"
        )
    points = f" of {design.points} points" if design.points is not None else ""
    return f"Data simulated from the model itself, {design.replicates} sets{points}, and {where}"


def _section(
    problem: ProblemRecord, anchor: str, styles: dict[str, MethodStyle], alone: bool
) -> tuple[Section, tuple[str, ...]]:
    model = problem.details
    if model is None:
        waits = [Badged("none", "This model has not been judged yet.")]
        return Section(anchor, problem.model, problem.about_model, waits, [], []), ()
    section = Section(
        anchor,
        model.model,
        model.about,
        [_verdict(one) for one in model.methods],
        [_table(name, model.methods) for name in quantities_of(model.methods)],
        [drawn(picture, anchor, model.model, alone) for picture in pictures(model, styles)],
        [] if model.mixture is None else story_of(model.mixture),
        about_data=problem.about_data,
    )
    return section, ()


def _verdict(one: MethodCalibration) -> Badged:
    notes = [f"{one.replicates} data sets, the truth ranked among {one.ranked:.0f} draws on average."]
    notes += [
        f"{number} left out, for the method refuses them: {why}." for why, number in one.refused.items()
    ]
    notes += [f"{number} failed: {why}." for why, number in one.failed.items()]
    if not one.judged:
        notes.append("Not judged: it does not count for the verdict above.")
    return Badged(mark_of(one.decision), one.sentence, one.decision, tuple(notes))


def _table(quantity: str, methods: tuple[MethodCalibration, ...]) -> Table:
    rows = []
    for one in methods:
        found = next((q for q in one.quantities if q.quantity == quantity), None)
        entries = tuple(numbers.missing() for _ in _COLUMNS) if found is None else _entries(found)
        rows.append(Row(label(one.method), entries, one.method))
    return Table(f"{quantity[:1].upper()}{quantity[1:]}", _COLUMNS, tuple(rows))


def _entries(one: QuantityCalibration) -> tuple[Shown, ...]:
    words = ", ".join(one.findings) or one.decision
    effects = (one.shift, one.width)
    return (
        Shown(words, mark=mark_of(one.decision), numeric=False),
        *(Shown(fixed(e.value, 2), f"[{fixed(e.low, 2)}, {fixed(e.high, 2)}]") for e in effects),
        *(Shown(fixed(100 * c.share, 1)) for c in one.coverage),
        _p(one.band_p),
        _p(one.symmetry_p),
    )


def _p(value: float) -> Shown:
    return Shown("< 0.0001", numeric=False) if value < 1e-4 else Shown(fixed(value, 4))


def _rules(design: Design) -> list[str]:
    around = (
        "What the ranks are about: posteriors near the one that these data give, and not all that the "
        "prior allows. A parameter drawn from the posterior given the data is, given the data and new points "
        "from it, a draw from the exact posterior of both (Säilynoja, Schmitt, Bürkner & Vehtari 2025). What "
        "is fitted has more points than the data: who is right there may be less so on the data alone."
    )
    share, each = 100 * design.error_rate, 100 * design.test_level
    return [
        *([around] if design.around == "data" else []),
        f"Flagged: one of three tests rejects that places are uniform. The empirical distribution leaves its "
        f"simultaneous band (Säilynoja, Bürkner & Vehtari 2022; exact, not simulated), or the mean or the "
        f"spread of the places is off. Each test has level {each:.3g} %, so that exact methods, all that "
        f"is judged here together, get a flag with a chance of at most {share:g} %.",
        f"Calibrated: nothing is flagged, and intervals put the shift within ±{design.shift_margin:g} "
        f"posterior standard deviations and the width within a factor of {design.width_margin:g}; a method "
        f"beyond these margins is called calibrated with a chance of at most {share:g} %. The margins are "
        "conventions of this project.",
        "Undecided: neither; more replicates would tell.",
        "Data sets that a method refuses are left out of its figures. Whether it does depends on the data "
        "alone, and given the data the truth is a draw from the exact posterior, so that this favours "
        "nobody; but the verdict is then about the other data sets.",
    ]


KIND = Kind("calibration", "model", _styles, _section, _frame)
