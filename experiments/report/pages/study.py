"""The report put together: what each section says, handed to the two templates."""

import re
from dataclasses import dataclass, field
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from experiments.records import ProblemRecord, StudyRecord
from experiments.report.conclusions import Conclusions, conclusions
from experiments.report.figures import FIGURES
from experiments.report.figures.picture import GROUPS, NARROW, WIDE, Picture, house_style, settle
from experiments.report.formulas import Line, story
from experiments.report.metric_tables import metric_tables
from experiments.report.style import numbers
from experiments.report.style.palette import css_variables, method_styles
from experiments.report.style.svg import inline_svg, png
from experiments.report.style.words import GLOSSARY, as_sentence, caveats
from experiments.report.tables import methods as tables
from experiments.report.tables import overview
from experiments.report.tables.log_evidence import decomposition_table, opinions_table
from experiments.report.tables.methods import HOW
from experiments.report.tables.series import choices
from experiments.report.tables.table import MARKS, Table, letter
from experiments.report.view import View, look_at

_DATA_FAULTS = (ValueError, FloatingPointError, OverflowError, np.linalg.LinAlgError)


@dataclass(frozen=True)
class Pages:
    """A rendered report: two texts, and PNG figures by file name."""

    html: str
    markdown: str
    figures: dict[str, bytes]


@dataclass(frozen=True)
class DrawnFigure:
    """A figure in all its forms; one that is folded away has no wide form."""

    title: str
    caption: str
    wide: Markup
    narrow: Markup
    file: str
    group: str = ""


@dataclass(frozen=True)
class VerdictLine:
    """A method's verdict in words."""

    method: str
    decision: str
    sentence: str


@dataclass(frozen=True)
class Choice:
    """A study over the number of components."""

    anchor: str
    title: str
    table: Table
    figure: DrawnFigure


@dataclass(frozen=True)
class Folded:
    """What is folded away under one heading."""

    title: str
    tables: list[Table] = field(default_factory=list)
    figures: list[DrawnFigure] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """All that is said of one problem."""

    anchor: str
    title: str
    record: ProblemRecord
    story: list[Line]
    facts: list[tuple[str, str]]
    reference: str
    quality: list[tuple[str, str]]
    opinions: list[Table]
    verdicts: list[VerdictLine]
    conclusions: Conclusions
    tables: list[Table]
    figures: list[DrawnFigure]
    folded: list[Folded]


def render(record: StudyRecord) -> Pages:
    """Return the report of a study as texts and pictures; writes nothing."""
    styles = method_styles([cell.cell.method for problem in record.problems for cell in problem.cells])
    pngs: dict[str, bytes] = {}
    sections, views = [], []
    with house_style():
        for index, problem in enumerate(record.problems):
            view = look_at(problem, styles)
            views.append(view)
            sections.append(_section(view, index, pngs))
        series = [
            Choice(f"choice-{i + 1}", title, table, _drawn(picture, f"choice-{i + 1}", title, pngs))
            for i, (title, table, picture) in enumerate(choices(views))
        ]
    anchors = [section.anchor for section in sections]
    labels = {method: style.label for method, style in styles.items()}
    context: dict[str, Any] = {
        "record": record,
        "decision": record.verdict.decision,
        "sections": sections,
        "choices": series,
        "summary": overview.summary_table(views, anchors, labels) if len(sections) > 1 else None,
        "styles": styles,
        "glossary": GLOSSARY,
        "caveats": caveats(record, views, styles),
        "marks": MARKS,
        "letter": letter,
        "css_variables": Markup(css_variables()),
        "dash": numbers.DASH,
    }
    html = _environment(autoescape=True).get_template("report.html.j2").render(context)
    markdown = _environment(autoescape=False).get_template("report.md.j2").render(context)
    return Pages(html, re.sub(r"\n{3,}", "\n\n", markdown).strip() + "\n", pngs)


def _section(view: View, index: int, pngs: dict[str, bytes]) -> Section:
    record = view.record
    anchor = f"problem-{index + 1}"
    first, second = ("sorted", "component") if view.is_sorted else ("component", "sorted")
    pictures = [picture for make in FIGURES if (picture := make(view)) is not None]
    title = overview.title(view)
    figures = [_drawn(picture, anchor, title, pngs) for picture in pictures]
    folded = [
        Folded("Every metric, and what it is held against", metric_tables(view)),
        Folded("The numbers behind the verdicts", _present(tables.verdict_table(view))),
        Folded(
            f"The same {view.words}, components {HOW[second]}", _present(tables.means_table(view, second))
        ),
        *(
            Folded(head, figures=[figure for figure in figures if figure.group == group])
            for group, head in GROUPS.items()
        ),
    ]
    return Section(
        anchor=anchor,
        title=title,
        record=record,
        story=story(record.problem.mixture),
        facts=_facts(record),
        reference=_reference(record),
        quality=[(name.replace("_", " "), _shown(value)) for name, value in record.reference.quality.items()],
        opinions=_present(opinions_table(view)),
        verdicts=[
            VerdictLine(entry.label, entry.record.verdict.decision, entry.record.verdict.sentence)
            for entry in view.entries
            if entry.record.verdict is not None
        ],
        conclusions=conclusions(view),
        tables=_present(
            tables.bounds_table(view), tables.means_table(view, first), decomposition_table(view)
        ),
        figures=[figure for figure in figures if not figure.group],
        folded=[fold for fold in folded if fold.tables or fold.figures],
    )


def _drawn(picture: Picture, anchor: str, problem: str, pngs: dict[str, bytes]) -> DrawnFigure:
    file, key = f"{anchor}-{picture.key}.png", f"{anchor}-{picture.key}"
    title = f"{picture.title}: {problem}"
    try:
        narrow = settle(picture.draw(NARROW))
        wide = narrow if picture.group else settle(picture.draw(WIDE))
        drawn = DrawnFigure(
            picture.title,
            picture.caption,
            Markup("" if picture.group else inline_svg(wide, f"{key}-w", title, picture.caption)),
            Markup(inline_svg(narrow, f"{key}-n", title, picture.caption)),
            file,
            picture.group,
        )
        pngs[file] = png(wide)
    except _DATA_FAULTS as error:  # a report without one figure is worth more than none
        return DrawnFigure(
            picture.title,
            f"This figure could not be drawn: {error}",
            Markup(""),
            Markup(""),
            "",
            picture.group,
        )
    return drawn


def _present(*found: Table | None) -> list[Table]:
    return [table for table in found if table is not None]


def _facts(record: ProblemRecord) -> list[tuple[str, str]]:
    problem = record.problem
    n_features = problem.x.shape[1]
    points = numbers.thousands(str(problem.n_points))
    if problem.sample_weight is not None and problem.condensation is None:
        points += f", standing for {numbers.thousands(f'{problem.sample_weight.sum():.0f}')}"
    facts = [
        ("points N", points),
        ("features D", str(n_features)),
        ("components K", str(record.problem.mixture.n_components)),
    ]
    if problem.condensation is not None:
        facts.append(("condensed", problem.condensation.sentence(len(problem.x))))
    if record.unit:
        facts.append(("unit of x", record.unit))
    return facts


def _reference(record: ProblemRecord) -> str:
    reference = record.reference
    if reference.log_evidence is None:
        lead = "log p(x) is not known: " if reference.method == "none" else ""
        return as_sentence(lead + reference.reason, begin=not lead)
    evidence = reference.log_evidence
    shown = numbers.with_error(evidence.value, evidence.standard_error)
    if not reference.qualified:
        says = f"{evidence.method} says {shown.plain} nats, but it does not qualify"
        return f"log p(x) is not known: {says}. {as_sentence(reference.reason)}"
    exact = "" if shown.error else ", exact up to rounding"
    reason = as_sentence(reference.reason, begin=False)
    return f"log p(x) = {shown.plain} nats by {evidence.method}{exact}: {reason}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return numbers.thousands(str(value))
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", numbers.MINUS)
    return numbers.DASH if value is None else str(value)


def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report"),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["fence"] = fence
    environment.filters["md"] = markdown_text
    return environment


def fence(text: str) -> str:
    """Return a run of backticks longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, in tables too."""
    one_line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", one_line).replace("&", "&amp;")
