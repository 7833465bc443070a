"""The report of a study: one offline HTML page, and Markdown with PNG figures beside it.

`write_report` reads a `StudyRecord` and the files of its draws, and computes nothing anew, so that a report
can be remade at any time. The page is assembled in `page`, from `tables`, `figures`, `formulas` and `words`.
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
    """Write ``report.html``, ``report.md`` and ``figures/*.png`` into a folder.

    Each file appears at once or not at all; figures come first and the HTML last, so that nothing written
    refers to something that is not there yet.

    Parameters
    ----------
    record : StudyRecord
    folder : Path
        Made if it does not exist.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    from experiments.engine.store.files import clear_errors, write_whole
    from experiments.report.pages.study import render

    pages = render(record)
    paths = ReportPaths(folder / "report.html", folder / "report.md")
    with clear_errors("write to", folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for name, content in pages.figures.items():
            write_whole(folder / "figures" / name, content)
        write_whole(paths.markdown, pages.markdown.encode("utf-8"))
        write_whole(paths.html, pages.html.encode("utf-8"))
    return paths


__all__ = ["ReportPaths", "write_report"]
