"""The subcommands of `elbowroom`, one file each.

Each imports what it needs when it is called, so that ``--help`` pays for nothing but typer.
"""

import typer

from experiments.commands.calibrate import calibrate
from experiments.commands.check import check
from experiments.commands.choose import choose
from experiments.commands.clean import clean
from experiments.commands.export import export
from experiments.commands.fit import fit
from experiments.commands.init import init
from experiments.commands.list import list_
from experiments.commands.merge import merge
from experiments.commands.report import report
from experiments.commands.rerun import rerun
from experiments.commands.run import run
from experiments.commands.status import status
from experiments.commands.validate import validate

app = typer.Typer(
    help="How good is variational inference for your mixture? CAVI, ADVI and NUTS on one scale.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
studies = (run, status, report, export, merge, rerun, clean)
for command in (*studies, fit, choose, check, validate, calibrate, init):
    app.command()(command)
app.command("list")(list_)
