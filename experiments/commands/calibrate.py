"""`elbowroom calibrate`: `elbowroom run` under another name, for those who look for it."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._output import Json
from experiments.commands._study import Junit, On, Output, Workers
from experiments.commands.run import run


def calibrate(
    config: Annotated[Path, typer.Argument(help="A TOML file with a table [calibration].")],
    json: Json = False,
    output: Output = None,
    workers: Workers = None,
    junit: Junit = None,
    on: On = "local",
) -> None:
    """Simulation-based calibration: rank true parameters among draws. Running it again resumes it.

    Exits with 0 if every judged method is calibrated, 1 if one is flagged or a replicate failed, 3 if it is
    undecided. Judged are the methods named under "judge", else the samplers, else all.
    """
    run(config, json, output, workers, junit, on)
