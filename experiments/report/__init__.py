"""The report of a study: one offline HTML page, and Markdown with PNG figures beside it.

`write_report` reads a `StudyRecord` and the files of its draws, and computes nothing anew, so that a report
can be remade at any time; what would come out as it is is not drawn again (`drawn_parts`). `pages` has the
writer, and a file for each kind of study, which puts `tables`, `figures` and `conclusions` into the
templates; `style` says how numbers, colours and words look everywhere.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from experiments.records import StudyRecord

MOST_ON_ONE_PAGE = 12
"""Problems of a study whose page has them all; larger ones have an overview, and pages of problems."""

OnDrawing = Callable[[int, int, str], None]
"""Told before each part of a report that is drawn: how many of how many are there, and what it is."""


@dataclass(frozen=True)
class ReportPaths:
    """Where a report was written."""

    html: Path
    markdown: Path


def write_report(
    record: StudyRecord,
    folder: Path,
    *,
    problems: Collection[str] = (),
    on_drawing: OnDrawing = lambda done, total, what: None,
) -> ReportPaths:
    """Write ``report.html``, ``report.md`` and ``figures/*.png`` of any study into a folder, made if need be.

    Each file appears at once or not at all; figures come first and the HTML last, so that nothing written
    refers to something that is not there yet. A report that is there, of the same study by the same code, is
    left as it is. An interruption leaves a page that says what is missing; the next call goes on from there.

    Parameters
    ----------
    problems : collection of str
        Names of problems' pages (`experiments.report.outcomes.page_names`) to be written as
        ``problems/NAME.html``; of a study of more than `MOST_ON_ONE_PAGE` problems, beside those that come
        first.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    from experiments.report.drawn_parts import DrawnParts, key_of_report

    if DrawnParts(folder).is_unchanged(key_of_report(record), problems):
        return ReportPaths(folder / "report.html", folder / "report.md")

    from experiments.report.pages.writer import write

    return write(record, folder, problems, on_drawing)


__all__ = ["MOST_ON_ONE_PAGE", "OnDrawing", "ReportPaths", "write_report"]
