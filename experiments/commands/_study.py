"""A study of any kind, carried out and shown: what `run`, `validate`, `calibrate` and `report` share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._messages import complain, loudness, note, warn
from experiments.commands._output import print_json, writable, writable_file

if TYPE_CHECKING:
    from experiments.records import StudyRecord

Output = Annotated[Path | None, typer.Option(help="The folder in which the study gets its own.")]
Workers = Annotated[int | None, typer.Option(help="How many cells run at a time.", min=1, max=1000)]
On = Annotated[
    str,
    typer.Option(
        metavar="EXECUTOR",
        help="What runs the cells: local (processes), serial (this process, for debuggers), dask (a cluster "
        "of this machine), or a Dask scheduler: tcp://host:port, or its file.",
    ),
]
Junit = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the verdicts as JUnit XML too, as CI systems read it."),
]


def carry_out(
    config: Path | None, json: bool, output: Path | None, workers: int | None, junit: Path | None, on: str
) -> "StudyRecord":
    """Run a study, without a configuration the built-in; write its report, and say on stdout what came out.

    Raises InputError if the configuration, the data or a folder cannot be used, or the executor `on`.
    """
    from experiments.engine.workers.executors import prepare

    prepare(on)

    from experiments.config.reading import default_config_text, load_config, parse_config
    from experiments.config.shipped import examples
    from hand_cavi import InputError

    if config is not None and config.stem in examples() and not config.exists():
        mend = f'"elbowroom init --example {config.stem}" writes it'
        raise InputError(f'there is no configuration "{config}"; {mend}')
    chosen = parse_config(default_config_text()) if config is None else load_config(config)

    from experiments.studies import plan_of

    plan = plan_of(chosen)
    for warning in plan.warnings:
        warn(warning)
    folder = writable((output or Path(plan.output)) / plan.name)
    note(f"{chosen.source}: {len(plan.cells)} cells of {len(plan.problems)} problems, kept in {folder}")
    if junit is not None:
        _make_way(junit, config)

    from experiments.engine.runner import run

    try:
        record = run(plan, folder=folder, workers=workers, progress=not loudness.quiet, on=on)
    except KeyboardInterrupt:
        warn(f'what is done is kept in "{folder}", and running again goes on from there')
        raise
    for cell in (cell for problem in record.problems for cell in problem.cells if cell.traceback):
        one = cell.cell
        note(f"{one.dataset}/{one.model}/{one.method} {cell.status}:\n{cell.traceback}")
    if junit is not None:
        from experiments.commands._junit import write_junit

        write_junit(junit, record, plan.judged)
    show(record, folder, json)
    return record


def show(record: "StudyRecord", folder: Path, json: bool, problems: Sequence[str] = ()) -> None:
    """Write a study's report, with pages of these problems, and say on stdout what came out.

    What came out is said even if drawing is interrupted, which exits with 130.
    """
    from experiments.commands._drawing import DrawingProgress
    from experiments.report import write_report

    unfinished = False
    try:
        with DrawingProgress() as progress:
            write_report(record, folder, problems=problems, on_drawing=progress)
    except KeyboardInterrupt:
        unfinished = True
    page = folder / "report.html"
    report = str(page) if not unfinished or page.is_file() else None
    if json:
        from experiments.commands._json import summary

        print_json(summary(record, report=report))
    else:
        from experiments.commands._terminal import print_study

        print_study(record, report=report or "not drawn yet")
    if unfinished:
        complain(
            f'interrupted while drawing the report; what is drawn is kept, and "elbowroom report {folder}" '
            "goes on from there"
        )
        raise typer.Exit(130)


def all_ran(record: "StudyRecord") -> bool:
    """Whether every cell ended well; of a calibration, whether no replicate of a judged method failed."""
    return all(
        all(cell.ended_well for cell in problem.cells)
        if problem.details is None
        else not any(one.failed for one in problem.details.methods if one.judged)
        for problem in record.problems
    )


def by_verdict(record: "StudyRecord") -> int:
    """Return the exit code of a validation: 1 if something failed, 0 if all passed, else 3."""
    if record.verdict.decision == "fail" or not all_ran(record):
        return 1
    return 0 if record.verdict.decision == "pass" else 3


def _make_way(junit: Path, config: Path | None) -> None:
    """See that the file can be written, and remove an old one: if this run dies, none is left to mislead."""
    writable_file(junit, "--junit", (), config)
    junit.unlink(missing_ok=True)
