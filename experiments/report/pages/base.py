"""What all pages share: their sections, figures in all their forms, and the templates."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

from experiments.families.line import Line
from experiments.records import ProblemRecord, StudyRecord
from experiments.report.drawn_parts import Part
from experiments.report.figures.picture import NARROW, WIDE, Picture, settle
from experiments.report.pages.finishing import finished
from experiments.report.style import numbers
from experiments.report.style.palette import MethodStyle, css_variables
from experiments.report.style.svg import inline_svg, png
from experiments.report.tables.table import MARKS, Table, letter

_DATA_FAULTS = (ValueError, FloatingPointError, OverflowError, np.linalg.LinAlgError)


Styles = Mapping[str, MethodStyle]


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
class Choice:
    """What is said of several problems together, such as a series of models: its title, table and picture."""

    title: str
    table: Table | None
    picture: Picture
    problems: tuple[ProblemRecord, ...]


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

    @property
    def every_figure(self) -> list[DrawnFigure]:
        """Its figures, those folded away too."""
        return [*self.figures, *(figure for fold in self.folded for figure in fold.figures)]


@dataclass(frozen=True)
class Kind:
    """What a kind of study has to say on its pages; `experiments.report.pages.writer` does the rest.

    Attributes
    ----------
    template, one : str
        The page's template, that of a problem's part being called ``_section`` besides; what a problem is
        called.
    styles : callable
        From a study to the styles of its methods, by name.
    section : callable
        From a problem, an anchor, styles and whether the page is the problem's own, to its section and to
        what is to be told of it among the caveats.
    frame : callable
        From a study and styles to what the page's template asks for besides.
    choices : callable
        From a study and styles to its series of models.
    """

    template: str
    one: str
    styles: Callable[[StudyRecord], dict[str, MethodStyle]]
    section: Callable[[ProblemRecord, str, dict[str, MethodStyle], bool], tuple[Section, tuple[str, ...]]]
    frame: Callable[[StudyRecord, Styles], dict[str, Any]]
    choices: Callable[[StudyRecord, Styles], list[Choice]] = lambda record, styles: []


def drawn(picture: Picture, anchor: str, problem: str, alone: bool = False) -> DrawnFigure:
    """Return a figure in all its forms, `alone` the narrow one, without a PNG; without a figure, say why."""
    key = f"{anchor}-{picture.key}"
    title, caption = f"{picture.title}: {problem}", numbers.typeset(picture.caption)
    try:
        narrow = settle(picture.draw(NARROW))
        small = Markup(inline_svg(narrow, f"{key}-n", title, caption))
        if alone:
            return DrawnFigure(picture.title, picture.caption, narrow=small, group=picture.group)
        wide = narrow if picture.group else settle(picture.draw(WIDE))
        large = Markup("" if picture.group else inline_svg(wide, f"{key}-w", title, caption))
        return DrawnFigure(
            picture.title, picture.caption, large, small, f"{key}.png", picture.group, png(wide)
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


def part_of(
    template: str,
    styles: Styles,
    figures: Iterable[DrawnFigure],
    notes: tuple[str, ...] = (),
    **context: object,
) -> Part:
    """Return a part of a page, from the two templates of its kind."""
    context |= {"styles": styles}
    pngs = {figure.file: figure.png for figure in figures if figure.file}
    sizes = {name: len(content) for name, content in pngs.items()}
    return Part(fill_html(template, **context), fill_markdown(template, **context), sizes, notes, pngs)


def fill_html(template: str, **context: object) -> str:
    """Return a whole page, finished, or a part of one, from its template."""
    shared = _SHARED | {"css_variables": Markup(css_variables())}
    text = _environment(autoescape=True).get_template(f"{template}.html.j2").render(shared | context)
    return finished(text) if text.startswith("<!DOCTYPE") else text


def fill_markdown(template: str, **context: object) -> str:
    """Return the same as Markdown."""
    text = _environment(autoescape=False).get_template(f"{template}.md.j2").render(_SHARED | context)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n\n"


def fence(text: str) -> str:
    """Return a run of backticks longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, in tables and at the beginning of a line too.

    What has a meaning to GitHub or to renderers of formulas is text as well: ``$``, ``@name``, ``:word:``.
    """
    one_line = " ".join(str(text).split())
    one_line = re.sub(r"([\\`*_\[\]<>|#~$])", r"\\\1", one_line).replace("&", "&amp;")
    one_line = re.sub(r"^([-+=](?=[-=\s]|$))|^(\d{1,9})(?=[.)](\s|$))", _without_list, one_line)
    return re.sub(r"@(?=\w)|(?<![\d:]):(?=[\w+-]+:)", r"\g<0><!-- -->", one_line)


def _without_list(found: re.Match[str]) -> str:
    """Return the beginning of a line so that it begins no list, no rule and no heading."""
    return rf"\{found[0]}" if found[1] else f"&#{ord(found[0][0])};{found[0][1:]}"


_SHARED: dict[str, object] = {"marks": MARKS, "letter": letter, "dash": numbers.DASH}


@cache
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
