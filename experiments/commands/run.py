"""`elbowroom run`: a study of any kind, from its configuration to its report."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._output import Json
from experiments.commands._study import Junit, On, Output, Workers, all_ran, by_verdict, carry_out


def run(
    config: Annotated[Path | None, typer.Argument(help="A TOML file; without, the built-in study.")] = None,
    json: Json = False,
    output: Output = None,
    workers: Workers = None,
    junit: Junit = None,
    on: On = "local",
) -> None:
    """Run a study and write its report. Running it again resumes it and recomputes nothing.

    Exits with 0 if every cell has a result, else 1; a calibration exits as `elbowroom calibrate` does.
    """
    record = carry_out(config, json, output, workers, junit, on)
    raise typer.Exit(by_verdict(record) if record.kind == "calibration" else int(not all_ran(record)))
