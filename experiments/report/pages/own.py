"""The report of a study of a user's own models: one offline HTML page, and Markdown with PNG figures.

It looks like that of mixtures and shares its style, tables and figures' frames; it computes nothing anew.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from experiments.methods import label
from experiments.report import ReportPaths
from experiments.report.custom.figures import curves_of, pictures
from experiments.report.figures.picture import NARROW, WIDE, house_style, settle
from experiments.report.pages.study import DrawnFigure, fence, markdown_text
from experiments.report.style import numbers
from experiments.report.style.palette import MethodStyle, css_variables, method_styles
from experiments.report.style.svg import inline_svg, png
from experiments.report.tables.by_quantity import errors_table, methods_table, moments_table
from experiments.report.tables.table import MARKS, Table, letter
from experiments.studies.own_run import CustomProblemRecord, CustomStudyRecord

GLOSSARY = (
    (
        "own bound",
        "What a variational method itself maximises, in nats. For a hand-derived method it is the sum of the "
        "terms that the derivation returns.",
    ),
    (
        "F",
        "E[ln p(x, θ) − ln q(θ)], with the PyMC model's joint density p and the method's own q, by Monte "
        "Carlo. θ is what the PyMC model has; whatever else the derivation has is summed out. F is never "
        "below the method's own bound, nor above ln p(x). Where nothing is summed out, a hand-derived bound "
        "and F are one number; if they agree, derivation and PyMC model are the same model.",
    ),
    (
        "k-hat",
        "How heavy the tail of p/q is. Above its threshold q misses parts of the posterior by far.",
    ),
    (
        "reference",
        "NUTS, if it qualifies: R-hat below 1.01 and effective sample sizes above 400 for every quantity, no "
        "divergences, E-FMI above 0.2. Otherwise there is no verdict.",
    ),
    (
        "verdict",
        "Pass: every posterior mean and standard deviation lies within the margins, errors included. Fail: "
        "one lies outside, errors included, or the method shows what no correct one can. Undecided: the "
        "errors are too large, or there is no reference.",
    ),
)


@dataclass(frozen=True)
class Section:
    """All that is said of one problem."""

    anchor: str
    title: str
    record: CustomProblemRecord
    verdicts: list[tuple[str, str]]
    quality: list[tuple[str, str]]
    tables: list[Table]
    figures: list[DrawnFigure]


def write_custom_report(record: CustomStudyRecord, folder: Path) -> ReportPaths:
    """Write ``report.html``, ``report.md`` and ``figures/*.png`` into a folder.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    from experiments.engine.store.files import clear_errors, write_whole

    html, markdown, pngs = render(record)
    paths = ReportPaths(folder / "report.html", folder / "report.md")
    with clear_errors("write to", folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for name, content in pngs.items():
            write_whole(folder / "figures" / name, content)
        write_whole(paths.markdown, markdown.encode("utf-8"))
        write_whole(paths.html, html.encode("utf-8"))
    return paths


def render(record: CustomStudyRecord) -> tuple[str, str, dict[str, bytes]]:
    """Return the HTML, the Markdown, and PNG figures by file name."""
    styles = method_styles([cell.cell.method for problem in record.problems for cell in problem.cells])
    pngs: dict[str, bytes] = {}
    with house_style():
        sections = [_section(one, i, styles, pngs) for i, one in enumerate(record.problems)]
    context: dict[str, Any] = {
        "record": record,
        "decision": record.verdict.decision,
        "sections": sections,
        "styles": styles,
        "glossary": GLOSSARY,
        "marks": MARKS,
        "letter": letter,
        "css_variables": Markup(css_variables()),
        "dash": numbers.DASH,
    }
    html = _environment(autoescape=True).get_template("custom.html.j2").render(context)
    markdown = _environment(autoescape=False).get_template("custom.md.j2").render(context)
    return html, markdown.strip() + "\n", pngs


def _section(
    problem: CustomProblemRecord, index: int, styles: dict[str, MethodStyle], pngs: dict[str, bytes]
) -> Section:
    anchor = f"problem-{index + 1}"
    repeat = f", repeat {problem.repeat}" if problem.repeat > 1 else ""
    title = f"{problem.model}{repeat}"
    figures = []
    for picture in pictures(curves_of(problem.cells, styles, problem.reference.qualified)):
        key, about = f"{anchor}-{picture.key}", f"{picture.title}: {title}"
        wide, narrow = settle(picture.draw(WIDE)), settle(picture.draw(NARROW))
        pngs[f"{key}.png"] = png(wide)
        figures.append(
            DrawnFigure(
                picture.title,
                picture.caption,
                Markup(inline_svg(wide, f"{key}-w", about, picture.caption)),
                Markup(inline_svg(narrow, f"{key}-n", about, picture.caption)),
                f"{key}.png",
            )
        )
    found = (methods_table(problem), moments_table(problem), errors_table(problem))
    quality = problem.reference.quality.items()
    return Section(
        anchor=anchor,
        title=title,
        record=problem,
        verdicts=[
            (cell.verdict.decision, cell.verdict.sentence)
            for cell in problem.cells
            if cell.verdict is not None
        ]
        + [
            ("none", f"{label(cell.cell.method)}: {cell.message}")
            for cell in problem.cells
            if cell.status != "ok"
        ],
        quality=[(name.replace("_", " "), _shown(value)) for name, value in quality],
        tables=[table for table in found if table is not None],
        figures=figures,
    )


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", numbers.MINUS)
    return numbers.DASH if value is None else str(value)


def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader("experiments.report")]),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["fence"] = fence
    environment.filters["md"] = markdown_text
    return environment
