"""`elbowroom calibrate`: whether posteriors are, over simulated data, what they claim to be."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands._output import Json, print_json, warn, writable

if TYPE_CHECKING:
    from experiments.calibration.records import CalibrationRecord


def calibrate(
    config: Annotated[Path, typer.Argument(help="A TOML file with a table [calibration].")],
    json: Json = False,
    output: Annotated[
        Path | None, typer.Option(help="The folder in which the calibration gets its own.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="How many batches of replicates run at a time.", min=1)
    ] = None,
) -> None:
    """Simulation-based calibration: rank true parameters among draws. Running it again resumes it.

    Exits with 0 if every judged method is calibrated, 1 if one is flagged or a replicate failed, 3 if it is
    undecided. Judged are the methods named under "judge", else the samplers, else all.
    """
    from experiments.studies.calibration_config import load_calibration

    chosen = load_calibration(config)
    folder = writable((output or Path(chosen.run.output)) / chosen.name)

    from experiments.report.old_records import write_calibration_report
    from experiments.studies.calibration import run_calibration

    try:
        record = run_calibration(chosen, folder=folder, workers=workers or chosen.run.workers)
    except KeyboardInterrupt:
        warn(f'interrupted; what is done is kept in "{folder}", and running again goes on from there')
        raise typer.Exit(130) from None
    paths = write_calibration_report(record, folder)
    if json:
        from experiments.commands._calibration import summary

        print_json(summary(record, report=str(paths.html)))
    else:
        from experiments.commands._calibration import print_calibration

        print_calibration(record, report=str(paths.html))
    raise typer.Exit(exit_code(record))


def exit_code(record: "CalibrationRecord") -> int:
    """Return 1 if a judged method is flagged or anything of it failed, 3 if undecided, else 0."""
    judged = [one for model in record.models for one in model.methods if one.judged]
    if record.decision == "flagged" or any(one.failed for one in judged):
        return 1
    return 3 if record.decision == "undecided" else 0
