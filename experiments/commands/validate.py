"""`elbowroom validate`: a study whose verdict is the exit code."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands._output import Json
from experiments.commands._study import Junit, On, Output, Workers, by_verdict, carry_out


def validate(
    config: Annotated[Path, typer.Argument(help="A TOML file.")],
    json: Json = False,
    output: Output = None,
    workers: Workers = None,
    junit: Junit = None,
    on: On = "local",
) -> None:
    """Run a study, and exit by its verdicts.

    Exits with 1 if a judged method fails or a cell has no result, with 3 if it is undecided.

    In the JUnit file every judged cell is a testcase, of a calibration every judged method of a model: a
    failed one is a failure, an undecided one skipped, one without a result an error.
    """
    raise typer.Exit(by_verdict(carry_out(config, json, output, workers, junit, on)))
