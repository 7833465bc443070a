"""A calibration's page put together: what each section says, handed to the two templates."""

import re
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from experiments.calibration.effects import Effect
from experiments.calibration.records import (
    CALIBRATED,
    CalibrationRecord,
    MethodResult,
    ModelResult,
    QuantityResult,
)
from experiments.methods import label
from experiments.report.figures.calibration_plots import Styles, pictures
from experiments.report.figures.picture import house_style
from experiments.report.formulas import Line, story
from experiments.report.pages.study import DrawnFigure, Pages, _drawn, _environment
from experiments.report.style import numbers
from experiments.report.style.numbers import MINUS, Shown, fixed
from experiments.report.style.palette import css_variables, method_styles
from experiments.report.tables.table import MARKS, Column, Row, Table, letter

GLOSSARY = (
    (
        "calibrated",
        "Of all data sets that the model may produce, a method's 80 % intervals hold the truth in 80 %, and "
        "so on for every level and every quantity. The exact posterior is calibrated by definition: the "
        "truth is a draw from it.",
    ),
    (
        "place",
        "Where the truth lies among a method's draws, from 0 (below all) to 1 (above all). For a calibrated "
        "method it is uniform over many data sets. Ties are broken at random; draws of a chain are thinned "
        "to their effective sample size; CAVI's sorted locations are placed by their exact distribution.",
    ),
    (
        "over-confident, under-confident",
        "Truths at both ends more often than they should: the posterior is too narrow. In the middle: too "
        "wide.",
    ),
    (
        "log likelihood, log joint",
        "How well parameters explain the data. A truth that explains them worse than nearly all of a "
        "method's draws means draws that stay too close to the best fit: that too is over-confidence, "
        "although it shows as a shift (the method sits too high).",
    ),
    (
        "two points together",
        "The probability, given the parameters, that the first two points come from one component.",
    ),
    (
        "symmetry (VSBC)",
        "The chance of so slanted a histogram of places if it were symmetric; small if a posterior is off to "
        "one side (Yao et al. 2018). Exact, by Butler's test.",
    ),
)


@dataclass(frozen=True)
class Verdict:
    """A method's verdict in words, and what was left out."""

    mark: str
    word: str
    sentence: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """All that is said of one model."""

    anchor: str
    title: str
    about: str
    story: list[Line]
    verdicts: list[Verdict]
    tables: list[Table]
    figures: list[DrawnFigure]


def render(record: CalibrationRecord) -> Pages:
    """Return the report of a calibration as texts and pictures; writes nothing."""
    styles = method_styles([one.method for model in record.models for one in model.methods])
    pngs: dict[str, bytes] = {}
    with house_style():
        sections = [
            _section(record, model, f"model-{i + 1}", styles, pngs) for i, model in enumerate(record.models)
        ]
    context: dict[str, Any] = {
        "record": record,
        "mark": mark_of(record.decision),
        "sections": sections,
        "rules": _rules(record),
        "styles": styles,
        "glossary": GLOSSARY,
        "marks": MARKS,
        "letter": letter,
        "dash": numbers.DASH,
        "css_variables": Markup(css_variables()),
    }
    html = _environment(autoescape=True).get_template("calibration.html.j2").render(context)
    markdown = _environment(autoescape=False).get_template("calibration.md.j2").render(context)
    return Pages(html, re.sub(r"\n{3,}", "\n\n", markdown).strip() + "\n", pngs)


def mark_of(decision: str) -> str:
    """Return the style sheet's class for a decision."""
    return {CALIBRATED: "pass", "undecided": "undecided"}.get(decision, "fail")


def _section(
    record: CalibrationRecord, model: ModelResult, anchor: str, styles: Styles, pngs: dict[str, bytes]
) -> Section:
    return Section(
        anchor,
        model.model,
        model.about,
        story(model.mixture),
        [_verdict(one) for one in model.methods],
        [_table(name, model.methods) for name in _names(model)],
        [_drawn(picture, anchor, model.model, pngs) for picture in pictures(record, model, styles)],
    )


def _verdict(one: MethodResult) -> Verdict:
    notes = [f"{one.replicates} data sets, the truth ranked among {one.ranked:.0f} draws on average."]
    notes += [
        f"{number} left out, for the method refuses them: {why}." for why, number in one.refused.items()
    ]
    notes += [f"{number} failed: {why}." for why, number in one.failed.items()]
    if not one.judged:
        notes.append("Not judged: it does not count for the verdict above.")
    return Verdict(mark_of(one.decision), one.decision, one.sentence, tuple(notes))


def _names(model: ModelResult) -> list[str]:
    return list(dict.fromkeys(q.quantity for one in model.methods for q in one.quantities))


def _table(quantity: str, methods: tuple[MethodResult, ...]) -> Table:
    columns = (
        Column("Verdict", numeric=False),
        Column("Shift", "posterior sds"),
        Column("Width", "true / claimed"),
        Column("50 %", "held, %"),
        Column("80 %", "held, %"),
        Column("95 %", "held, %"),
        Column("Band", "p"),
        Column("Symmetry", "p"),
    )
    rows = []
    for one in methods:
        found = next((q for q in one.quantities if q.quantity == quantity), None)
        entries = tuple(numbers.missing() for _ in columns) if found is None else _entries(found)
        rows.append(Row(label(one.method), entries, one.method))
    return Table(f"{quantity[:1].upper()}{quantity[1:]}", columns, tuple(rows))


def _entries(one: QuantityResult) -> tuple[Shown, ...]:
    words = ", ".join(one.findings) or one.decision
    return (
        Shown(words, mark=mark_of(one.decision), numeric=False),
        _effect(one.shift),
        _effect(one.width),
        *(Shown(fixed(100 * c.share, 1)) for c in one.coverage),
        _p(one.band_p),
        _p(one.symmetry_p),
    )


def _effect(effect: Effect) -> Shown:
    interval = f"[{fixed(effect.low, 2)}, {fixed(effect.high, 2)}]"
    return Shown(fixed(effect.value, 2), interval.replace("-", MINUS))


def _p(value: float) -> Shown:
    return Shown("< 0.0001", numeric=False) if value < 1e-4 else Shown(fixed(value, 4))


def _rules(record: CalibrationRecord) -> list[str]:
    share, each = 100 * record.error_rate, 100 * record.test_level
    return [
        f"Flagged: one of three tests rejects that places are uniform. The empirical distribution leaves its "
        f"simultaneous band (Säilynoja, Bürkner & Vehtari 2022; exact, not simulated), or the mean or the "
        f"spread of the places is off. Each test has level {each:.3g} %, so that exact methods, all that "
        f"is judged here together, get a flag with a chance of at most {share:g} %.",
        f"Calibrated: nothing is flagged, and intervals put the shift within ±{record.shift_margin:g} "
        f"posterior standard deviations and the width within a factor of {record.width_margin:g}; a method "
        f"beyond these margins is called calibrated with a chance of at most {share:g} %. The margins are "
        "conventions of this project.",
        "Undecided: neither; more replicates would tell.",
        "Data sets that a method refuses are left out of its figures. Whether it does depends on the data "
        "alone, and given the data the truth is a draw from the exact posterior, so that this favours "
        "nobody; but the verdict is then about the other data sets.",
    ]
