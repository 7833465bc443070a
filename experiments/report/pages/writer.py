"""The page writer for all kinds of study: what is drawn, what was drawn before, and the files of a report.

A study of a few problems has all of them on one page. A larger one has an overview, which grows with groups
and not with cells, and problems have pages of their own: the first of those that come first, and what is
asked for. A problem that was drawn before, from the same inputs by the same code, is not drawn again.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from experiments.engine.store.files import clear_errors, write_whole
from experiments.records import ProblemRecord, StudyRecord
from experiments.report import MOST_ON_ONE_PAGE, OnDrawing, ReportPaths
from experiments.report.drawn_parts import DrawnParts, Part, key_of, key_of_report
from experiments.report.figures import trade_off
from experiments.report.figures.picture import figure_style
from experiments.report.outcomes import noted, outcomes_of, page_names, title_of
from experiments.report.pages import calibration, mixtures, own
from experiments.report.pages.base import (
    Choice,
    Folded,
    Kind,
    drawn,
    fill_html,
    fill_markdown,
    part_of,
    present,
)
from experiments.report.pages.worst_first import Overview, overview_of
from experiments.report.tables.all_results import results_table
from experiments.report.tables.how_made import how_made
from experiments.report.tables.table import Table

KINDS = {"mixtures": mixtures.KIND, "own": own.KIND, "calibration": calibration.KIND}

DRAWN = 10
"""Problems of a large study that have pages of their own without being asked for."""

_MOST_CHOICES = 12  # series of models on the page of a large study


def write(record: StudyRecord, folder: Path, asked: Collection[str], on_drawing: OnDrawing) -> ReportPaths:
    """Write a report as `write_report` says; `asked` are names of problems' pages."""
    writing = _Writing(record, folder, on_drawing)
    large = len(record.problems) > MOST_ON_ONE_PAGE
    with clear_errors("write to", folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        return writing.overview(asked) if large else writing.one_page(asked)


@dataclass
class _Writing:
    """One report while it is written; `used` are the keys of its parts."""

    record: StudyRecord
    folder: Path
    on_drawing: OnDrawing
    used: list[str] = field(default_factory=list)
    done: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.kind: Kind = KINDS[self.record.kind]
        self.styles = self.kind.styles(self.record)
        self.parts = DrawnParts(self.folder)

    def one_page(self, asked: Collection[str]) -> ReportPaths:
        """Write the page that has all problems, and those of their own that are asked for."""
        record = self.record
        named = list(zip(record.problems, page_names(record), strict=True))
        anchors = [f"{self.kind.one}-{i + 1}" for i in range(len(record.problems))]
        across, choices = self._trade_off(), self.kind.choices(record, self.styles)
        alone = [(problem, name) for problem, name in named if name in asked]
        self.total = len(across) + len(anchors) + len(choices) + len(alone)
        parts: list[Part] = []
        series: list[Part] = []
        pages = self._still_current(named)
        try:
            series += [self._choice(one, "study") for one in across]
            for number, choice in enumerate(choices, start=1):
                series.append(self._choice(choice, f"choice-{number}"))
            for problem, anchor in zip(record.problems, anchors, strict=True):
                parts.append(self._problem(problem, anchor, alone=False))
            for one in alone:
                pages |= self._pages([one])
        except KeyboardInterrupt:
            self._report(parts, series, None, pages)
            raise
        summary = self._summary(anchors) if len(anchors) > 1 else None
        return self._report(parts, series, None, pages, summary=summary)

    def _trade_off(self) -> list[Choice]:
        """Return the picture of time against error; nothing where there are no two methods to compare."""
        record = self.record
        outcomes = [outcome for problem in record.problems for outcome in outcomes_of(problem)]
        picture = trade_off.picture(outcomes, self.styles, record.verdict.margin)
        return [] if picture is None else [Choice(picture.title, None, picture, record.problems)]

    def _summary(self, anchors: list[str]) -> Table:
        """Return the table of all results, with links to the sections of their problems."""
        problems = self.record.problems
        links = {id(one): f"#{anchor}" for one, anchor in zip(problems, anchors, strict=True)}
        outcomes = [outcome for problem in problems for outcome in outcomes_of(problem)]
        return results_table("All results", outcomes, links)

    def overview(self, asked: Collection[str]) -> ReportPaths:
        """Write the overview, and a page for each problem that comes first or is asked for."""
        record = self.record
        order = noted(record)
        across, choices = self._trade_off(), self.kind.choices(record, self.styles)[:_MOST_CHOICES]
        wanted = [one for i, one in enumerate(order) if i < DRAWN or one.page in asked]
        self.total = len(across) + len(choices) + len(wanted)
        series: list[Part] = []
        pages = self._still_current([(one.problem, one.page) for one in order])
        try:
            series += [self._choice(one, "study") for one in across]
            for number, choice in enumerate(choices, start=1):
                series.append(self._choice(choice, f"choice-{number}"))
            for one in wanted:
                pages |= self._pages([(one.problem, one.page)])
        except KeyboardInterrupt:
            self._report([], series, overview_of(record, order, pages, self.kind.one), pages)
            raise
        return self._report([], series, overview_of(record, order, pages, self.kind.one), pages)

    def _still_current(self, named: Iterable[tuple[ProblemRecord, str]]) -> dict[str, str]:
        """Return the pages of an earlier report that would be as they are; the others are removed."""
        former, kept = self.parts.pages(), {}
        for problem, name in named:
            key = self._key(problem, self.kind.one, alone=True) if name in former else ""
            if key and key == former[name] and self._page_path(name).is_file():
                kept[name] = key
        for name in former.keys() - kept.keys():
            self._page_path(name).unlink(missing_ok=True)
        self.used += kept.values()
        return kept

    def _pages(self, wanted: Iterable[tuple[ProblemRecord, str]]) -> dict[str, str]:
        """Write pages of single problems; return their parts' keys by the pages' names."""
        written = {}
        for problem, name in wanted:
            part = self._problem(problem, self.kind.one, alone=True)
            worst = min(outcomes_of(problem), key=lambda one: one.rank, default=None)
            frame = self._frame() | {"one": part, "one_of": self.kind.one, "caveats": part.notes}
            frame |= {"mark": worst.mark, "word": worst.words} if worst else {"mark": "none", "word": ""}
            text = fill_html("problem", **(frame | {"sentence": title_of(problem)}))
            self._page_path(name).parent.mkdir(exist_ok=True)
            write_whole(self._page_path(name), text.encode("utf-8"))
            written[name] = self._key(problem, self.kind.one, alone=True)
        return written

    def _page_path(self, name: str) -> Path:
        return self.folder / "problems" / f"{name}.html"

    def _problem(self, problem: ProblemRecord, anchor: str, *, alone: bool) -> Part:
        """Return a problem's part of a page, drawn if it was not."""

        def draw() -> Part:
            section, notes = self.kind.section(problem, anchor, self.styles, alone)
            template = f"{self.kind.template}_section"
            more: dict[str, Any] = {"section": section, "alone": alone}
            return part_of(template, self.styles, section.every_figure, notes, **more)

        return self._drawn(self._key(problem, anchor, alone=alone), title_of(problem), draw)

    def _choice(self, choice: Choice, anchor: str) -> Part:
        """Return what is said of several problems together as a part of a page."""

        def draw() -> Part:
            figure = drawn(choice.picture, anchor, choice.title)
            folded = Folded(choice.title, present(choice.table), [figure])
            return part_of("choice", self.styles, [figure], choice=folded, anchor=anchor)

        contents = (problem.content for problem in choice.problems)
        key = key_of(contents, "choice", anchor, choice.title, self.record.verdict.margin)
        return self._drawn(key, choice.title, draw)

    def _drawn(self, key: str, title: str, draw: Callable[[], Part]) -> Part:
        part = self.parts[key]
        if part is None:
            self.on_drawing(self.done, self.total, title)
            with figure_style():
                part = draw()
            self.parts.keep(key, part)
            part = replace(part, pngs={})
        self.done += 1
        self.used.append(key)
        return part

    def _key(self, problem: ProblemRecord, anchor: str, *, alone: bool) -> str:
        styles = {cell.cell.method: self.styles.get(cell.cell.method) for cell in problem.cells}
        if problem.details is not None:
            styles = {one.method: self.styles[one.method] for one in problem.details.methods}
        return key_of([problem.content], self.record.kind, anchor, alone, styles)

    def _frame(self) -> dict[str, Any]:
        """Return what every page of the study says."""
        record = self.record
        what = "calibration" if record.kind == "calibration" else "study"
        shared = {
            "record": record,
            "name": record.name,
            "styles": self.styles,
            "what": what,
            "unfinished": "",
            "made": how_made(record.folder),
        }
        return shared | self.kind.frame(record, self.styles)

    def _report(
        self,
        parts: list[Part],
        series: list[Part],
        overview: Overview | None,
        pages: dict[str, str],
        **more: object,
    ) -> ReportPaths:
        """Write ``report.html`` and ``report.md``; say what is missing where drawing was interrupted."""
        record, left = self.record, self.total - self.done
        frame: dict[str, Any] = {
            "word": "",
            "mark": record.verdict.decision,
            "sentence": record.verdict.sentence,
        }
        frame |= self._frame() | {"summary": None, "overview": overview, "parts": parts, "choices": series}
        frame["caveats"] = [*frame["caveats"], *(note for part in parts for note in part.notes)]
        if left:
            frame["unfinished"] = (
                f"Drawing was interrupted: {left} of {self.total} parts of this report are missing. "
                f"“elbowroom report” draws them, and nothing twice."
            )
        paths = ReportPaths(self.folder / "report.html", self.folder / "report.md")
        markdown = fill_markdown(self.kind.template, **(frame | more)).rstrip() + "\n"
        write_whole(paths.markdown, markdown.encode("utf-8"))
        write_whole(paths.html, fill_html(self.kind.template, **(frame | more)).encode("utf-8"))
        if not left:
            files = [
                Path("report.html"),
                Path("report.md"),
                *(Path("problems", f"{name}.html") for name in pages),
            ]
            self.parts.finish(key_of_report(record), files, pages, self.used)
        return paths
