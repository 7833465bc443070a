"""`elbowroom run` and `elbowroom validate`: a study from its configuration to its report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._output import Json, print_json, warn, writable

if TYPE_CHECKING:
    from experiments.records import StudyRecord
    from experiments.studies.own_run import CustomStudyRecord

_Output = Annotated[Path | None, typer.Option(help="The folder in which the study gets its own.")]
_Workers = Annotated[int | None, typer.Option(help="How many cells run at a time.", min=1)]
_Junit = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the verdicts as JUnit XML too, as CI systems read it."),
]


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
    junit: _Junit = None,
) -> None:
    """Run a study; exit with 1 if a judged method fails or a cell has no result, 3 if it is undecided.

    In the JUnit file every judged cell is a testcase: a failed one a failure, an undecided one skipped, one
    without a result an error.
    """
    record = _run(config, json, output, workers, junit)
    if record.verdict.decision == "fail" or not _all_ran(record):
        raise typer.Exit(1)
    raise typer.Exit(0 if record.verdict.decision == "pass" else 3)


def _make_way(junit: Path) -> None:
    """See that the file can be written, and remove an old one: if this run dies, none is left to mislead."""
    from hand_cavi import InputError

    if junit.is_dir():
        raise InputError(f'"{junit}" is a folder; --junit takes the name of a file')
    writable(junit.parent)
    junit.unlink(missing_ok=True)


def _run(
    config: Path | None, json: bool, output: Path | None, workers: int | None, junit: Path | None = None
) -> "StudyRecord | CustomStudyRecord":
    from experiments.config.reading import default_config_text, load_config, parse_config, read_text
    from experiments.studies.own_config import is_custom

    if config is not None and is_custom(text := read_text(config)):
        from experiments.commands._own import run_own

        if junit is not None:
            _make_way(junit)
        return run_own(text, config, json, output, workers, junit)
    chosen = parse_config(default_config_text()) if config is None else load_config(config)

    from experiments.studies.mixtures import build_study

    study = build_study(chosen)
    for warning in study.warnings:
        warn(warning)
    folder = writable((output or Path(study.run.output)) / study.name)
    if junit is not None:
        _make_way(junit)

    from experiments.engine.runner import run_study
    from experiments.report import write_report

    try:
        record = run_study(study, folder=folder, workers=workers or study.run.workers, progress=True)
    except KeyboardInterrupt:
        warn(f'interrupted; what is done is kept in "{folder}", and running again goes on from there')
        raise typer.Exit(130) from None
    if junit is not None:
        from experiments.commands._junit import write_junit

        write_junit(junit, record, {cell.cell.key for cell in study.cells if cell.judged})
    paths = write_report(record, folder)
    if json:
        from experiments.commands._summary import summary

        print_json(summary(record, report=str(paths.html)))
    else:
        from experiments.commands._tables import print_study

        print_study(record, report=str(paths.html))
    return record


def _all_ran(record: "StudyRecord | CustomStudyRecord") -> bool:
    """Whether every cell ended well, and was measured: one without measurements was never judged."""
    cells = [cell for problem in record.problems for cell in problem.cells]
    return all(cell.status == "ok" and cell.measurements for cell in cells)
