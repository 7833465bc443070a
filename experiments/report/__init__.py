"""The report of a study: one offline HTML page, and Markdown with PNG figures beside it.

`write_report` reads a `StudyRecord` and the files of its draws, and computes nothing anew, so that a report
can be remade at any time. `pages` has a file for each kind of study, which puts `tables`, `figures` and
`conclusions` into the templates; `style` says how numbers, colours and words look everywhere.
"""

from dataclasses import dataclass
from pathlib import Path

from experiments.records import StudyRecord


@dataclass(frozen=True)
class ReportPaths:
    """Where a report was written."""

    html: Path
    markdown: Path


def write_report(record: StudyRecord, folder: Path) -> ReportPaths:
    """Write ``report.html``, ``report.md`` and ``figures/*.png`` of any study into a folder, made if need be.

    Each file appears at once or not at all; figures come first and the HTML last, so that nothing written
    refers to something that is not there yet.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    from experiments.report.pages import calibration, mixtures, own
    from experiments.report.pages.base import write

    pages = {"mixtures": mixtures.render, "own": own.render, "calibration": calibration.render}
    return write(pages[record.kind](record), folder)


__all__ = ["ReportPaths", "write_report"]
