"""The subcommands of `elbowroom`, one file each.

Each imports what it needs when it is called, so that ``--help`` pays for nothing but typer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from experiments.commands._messages import plain, warn
from experiments.commands.calibrate import calibrate
from experiments.commands.check import check
from experiments.commands.choose import choose
from experiments.commands.clean import clean
from experiments.commands.doctor import doctor
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
from experiments.config.plugins import tell_of_imports

tell_of_imports(warn)


class _Commands(TyperGroup):
    """The subcommands; complaints about arguments echo no more of them than other messages do."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the arguments before a subcommand."""
        with _cut():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the subcommand and its arguments, and call it."""
        with _cut():
            return super().invoke(ctx)


@contextmanager
def _cut() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "message"):  # a usage error, in any version
            error.message = plain(str(error.message))
        raise


app = typer.Typer(
    cls=_Commands,
    help="How good is variational inference for your mixture? CAVI, ADVI and NUTS on one scale.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
studies = (run, status, report, export, merge, rerun, clean)
for command in (*studies, fit, choose, check, validate, calibrate, init, doctor):
    app.command()(command)
app.command("list")(list_)
