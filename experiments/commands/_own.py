"""What `elbowroom run`, `validate` and `report` do with a study of a user's own models."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from experiments.commands._output import print_json, warn, writable

if TYPE_CHECKING:
    from experiments.studies.own_run import CustomStudyRecord


def run_own(
    text: str, config: Path, json: bool, output: Path | None, workers: int | None, junit: Path | None
) -> "CustomStudyRecord":
    """Run a study and write its report."""
    from experiments.studies.own_config import parse_custom

    chosen = parse_custom(text, source=config.name, folder=config.parent)
    folder = writable((output or Path(chosen.run.output)) / chosen.name)

    from experiments.studies.own_run import run_custom

    try:
        record = run_custom(chosen, folder=folder, workers=workers)
    except KeyboardInterrupt:
        warn(f'interrupted; what is done is kept in "{folder}", and running again goes on from there')
        raise typer.Exit(130) from None
    if junit is not None:
        from experiments.commands._junit import write_junit
        from experiments.studies.own import lay_out

        judged = {cell.cell.key for one in lay_out(chosen) for cell in one.cells if cell.judged}
        write_junit(junit, record, judged)
    show_own(record, folder, json)
    return record


def show_own(record: "CustomStudyRecord", folder: Path, json: bool) -> None:
    """Write the report, and say on stdout what came out."""
    from experiments.report.old_records import write_custom_report

    paths = write_custom_report(record, folder)
    if json:
        from experiments.commands._summary import summary

        print_json(summary(record, report=str(paths.html)))
    else:
        _print(record, str(paths.html))


def _print(record: "CustomStudyRecord", report: str) -> None:
    from rich.table import Table as RichTable
    from rich.text import Text

    from experiments.commands._tables import stdout
    from experiments.report.old_records import methods_table, moments_table

    console = stdout()
    colour = {"pass": "green", "fail": "red", "undecided": "yellow"}.get(record.verdict.decision, "")
    console.print(Text(record.verdict.sentence, style=f"bold {colour}".strip()))
    for problem in record.problems:
        console.print()
        console.print(
            f"{problem.model}: {problem.reference.reason}", style="bold", highlight=False, markup=False
        )
        for table in (methods_table(problem), moments_table(problem)):
            if table is not None:
                shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0))
                shown.add_column(table.first.lower(), no_wrap=True)
                for column in table.columns:
                    shown.add_column(column.name.lower(), justify="right" if column.numeric else "left")
                for row in table.rows:
                    shown.add_row(Text(row.head), *(Text(entry.plain) for entry in row.entries))
                console.print(shown)
                console.print()
        for cell in problem.cells:
            said = cell.verdict.sentence if cell.verdict else ""
            said = f"{cell.cell.method}: {cell.message}" if cell.status != "ok" else said
            if said:
                style = "red" if cell.status != "ok" else ""
                console.print(said, style=style, highlight=False, markup=False)
    console.print()
    console.print(f"Report: {report}", highlight=False, markup=False, soft_wrap=True)
