"""The report of a calibration: one offline HTML page, and Markdown with PNG figures beside it."""

from pathlib import Path

from experiments.calibration.records import CalibrationRecord
from experiments.report import ReportPaths


def write_calibration_report(record: CalibrationRecord, folder: Path) -> ReportPaths:
    """Write ``report.html``, ``report.md`` and ``figures/*.png`` into a folder; see `write_report`.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    from experiments.engine.store.files import clear_errors, write_whole
    from experiments.report.pages.calibration import render

    pages = render(record)
    paths = ReportPaths(folder / "report.html", folder / "report.md")
    with clear_errors("write to", folder):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for name, content in pages.figures.items():
            write_whole(folder / "figures" / name, content)
        write_whole(paths.markdown, pages.markdown.encode("utf-8"))
        write_whole(paths.html, pages.html.encode("utf-8"))
    return paths


__all__ = ["write_calibration_report"]
