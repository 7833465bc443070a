"""`elbowroom run` and `elbowroom validate`: a study from its configuration to its report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._output import Json, print_json, warn, writable

if TYPE_CHECKING:
    from experiments.records import StudyRecord

_Output = Annotated[Path | None, typer.Option(help="The folder in which the study gets its own.")]
_Workers = Annotated[int | None, typer.Option(help="How many cells run at a time.", min=1)]


def run(
    config: Annotated[Path | None, typer.Argument(help="A TOML file; without, the built-in study.")] = None,
    json: Json = False,
    output: _Output = None,
    workers: _Workers = None,
) -> None:
    """Run a study and write its report. Running it again resumes it and recomputes nothing."""
    record = _run(config, json, output, workers)
    raise typer.Exit(0 if _all_ran(record) else 1)


def validate(
    config: Annotated[Path, typer.Argument(help="A TOML file.")],
    json: Json = False,
    output: _Output = None,
    workers: _Workers = None,
) -> None:
    """Run a study; exit with 1 if a judged method fails, 3 if nothing could be decided."""
    record = _run(config, json, output, workers)
    if record.verdict.decision == "fail" or not _all_ran(record):
        raise typer.Exit(1)
    raise typer.Exit(0 if record.verdict.decision == "pass" else 3)


def _run(config: Path | None, json: bool, output: Path | None, workers: int | None) -> "StudyRecord":
    from experiments.config.reading import default_config_text, load_config, parse_config

    chosen = parse_config(default_config_text()) if config is None else load_config(config)

    from experiments.study.grid import build_study

    study = build_study(chosen)
    for warning in study.warnings:
        warn(warning)
    folder = writable((output or Path(study.run.output)) / study.name)

    from experiments.report import write_report
    from experiments.runner import run_study

    try:
        record = run_study(study, folder=folder, workers=workers or study.run.workers, progress=True)
    except KeyboardInterrupt:
        warn(f'interrupted; what is done is kept in "{folder}", and running again goes on from there')
        raise typer.Exit(130) from None
    paths = write_report(record, folder)
    if json:
        from experiments.commands._summary import summary

        print_json(summary(record, report=str(paths.html)))
    else:
        from experiments.commands._tables import print_study

        print_study(record, report=str(paths.html))
    return record


def _all_ran(record: "StudyRecord") -> bool:
    """Whether every cell ended well, and was measured: one without measurements was never judged."""
    cells = [cell for problem in record.problems for cell in problem.cells]
    return all(cell.status == "ok" and cell.measurements for cell in cells)
