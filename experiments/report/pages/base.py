"""What all pages share: their sections, figures in all their forms, the templates, and the writer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup, escape

from experiments.engine.store.files import clear_errors, write_whole
from experiments.families.line import Line
from experiments.records import StudyRecord
from experiments.report import ReportPaths
from experiments.report.figures.picture import NARROW, WIDE, Picture, settle
from experiments.report.style import numbers
from experiments.report.style.palette import MethodStyle, css_variables
from experiments.report.style.svg import inline_svg, png
from experiments.report.tables.table import MARKS, Table, letter

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
    wide: Markup = Markup("")
    narrow: Markup = Markup("")
    file: str = ""
    group: str = ""
    png: bytes = b""


@dataclass(frozen=True)
class Badged:
    """A sentence behind a badge: the style sheet's class, the badge's word if it is another, and notes."""

    mark: str
    sentence: str
    word: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Folded:
    """What is folded away under one heading."""

    title: str
    tables: list[Table] = field(default_factory=list)
    figures: list[DrawnFigure] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """All that is said of one problem; what is empty has no heading either."""

    anchor: str
    title: str
    about_model: str
    verdicts: list[Badged]
    tables: list[Table]
    figures: list[DrawnFigure]
    story: list[Line] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    about_data: str = ""
    reference: str = ""
    quality: list[tuple[str, str]] = field(default_factory=list)
    opinions: list[Table] = field(default_factory=list)
    conclusions: dict[str, list[str]] = field(default_factory=dict)
    folded: list[Folded] = field(default_factory=list)


def drawn(picture: Picture, anchor: str, problem: str) -> DrawnFigure:
    """Return a figure in all its forms; without one, say why."""
    key = f"{anchor}-{picture.key}"
    title, caption = f"{picture.title}: {problem}", numbers.typeset(picture.caption)
    try:
        narrow = settle(picture.draw(NARROW))
        wide = narrow if picture.group else settle(picture.draw(WIDE))
        return DrawnFigure(
            picture.title,
            picture.caption,
            Markup("" if picture.group else inline_svg(wide, f"{key}-w", title, caption)),
            Markup(inline_svg(narrow, f"{key}-n", title, caption)),
            f"{key}.png",
            picture.group,
            png(wide),
        )
    except _DATA_FAULTS as error:  # a report without one figure is worth more than none
        why = f"This figure could not be drawn: {error}"
        return DrawnFigure(picture.title, why, group=picture.group)


def present(*found: Table | None) -> list[Table]:
    """Return the tables that there are."""
    return [table for table in found if table is not None]


def quality_of(quality: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the figures of a quality record, as text."""
    return [(name.replace("_", " "), _shown(value)) for name, value in quality.items()]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return numbers.thousands(str(value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return numbers.DASH if value is None else str(value)


def fill(
    kind: str,
    record: StudyRecord,
    sections: Sequence[Section],
    styles: Mapping[str, MethodStyle],
    choices: Sequence[Folded] = (),
    **more: object,
) -> Pages:
    """Return the pages of a study, from the two templates of its kind, and `more` that only these know."""
    context = {"record": record, "name": record.name, "mark": record.verdict.decision, "word": ""}
    context |= {"sentence": record.verdict.sentence, "sections": sections, "styles": styles}
    context |= {"choices": choices, **more}
    markdown = _environment(autoescape=False).get_template(f"{kind}.md.j2").render(_SHARED | context)
    folds = [*choices, *(fold for section in sections for fold in section.folded)]
    parts: list[Section | Folded] = [*sections, *folds]
    pngs = {figure.file: figure.png for part in parts for figure in part.figures if figure.file}
    return Pages(fill_html(kind, **context), re.sub(r"\n{3,}", "\n\n", markdown).strip() + "\n", pngs)


def fill_html(kind: str, **context: object) -> str:
    """Return a page from a template that extends the one of all pages."""
    shared = _SHARED | {"css_variables": Markup(css_variables())}
    return _environment(autoescape=True).get_template(f"{kind}.html.j2").render(shared | context)


def write(pages: Pages, folder: Path) -> ReportPaths:
    """Write the pages and their figures into a folder, as `write_report` says."""
    paths = ReportPaths(folder / "report.html", folder / "report.md")
    with clear_errors("write to", folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for name, content in pages.figures.items():
            write_whole(folder / "figures" / name, content)
        write_whole(paths.markdown, pages.markdown.encode("utf-8"))
        write_whole(paths.html, pages.html.encode("utf-8"))
    return paths


def fence(text: str) -> str:
    """Return a run of backticks longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, in tables too."""
    one_line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", one_line).replace("&", "&amp;")


_SHARED: dict[str, object] = {"marks": MARKS, "letter": letter, "dash": numbers.DASH}


def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report"),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: numbers.typeset(value) if type(value) is str else value,
    )
    environment.filters["fence"] = fence
    environment.filters["md"] = markdown_text
    environment.filters["verbatim"] = escape if autoescape else Markup
    return environment
