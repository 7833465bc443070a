"""The subcommands of `elbowroom`, one file each.

Each imports what it needs when it is called, so that ``--help`` pays for nothing but typer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from experiments.commands._messages import begin, complain, note, plain, print_version
from experiments.commands.calibrate import calibrate
from experiments.commands.check import check
from experiments.commands.choose import choose
from experiments.commands.clean import clean
from experiments.commands.doctor import doctor
from experiments.commands.export import export
from experiments.commands.fit import fit
from experiments.commands.gallery import gallery
from experiments.commands.init import init
from experiments.commands.list import list_
from experiments.commands.merge import merge
from experiments.commands.report import report
from experiments.commands.rerun import rerun
from experiments.commands.run import run
from experiments.commands.status import status
from experiments.commands.validate import validate
from experiments.config.plugins import tell_of_imports

tell_of_imports(complain)


class _Commands(TyperGroup):
    """The subcommands; complaints about arguments echo no more of them than other messages do."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the arguments before a subcommand."""
        begin()
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


_LOUDNESS = {
    "quiet": Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Show no progress and make no remarks; results and errors stay."),
    ],
    "verbose": Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell what goes on, and where an error came from.")
    ],
}


def _as_loud_as_asked(command: Callable[..., None]) -> Callable[..., None]:
    """Return a subcommand that takes ``--quiet`` and ``--verbose`` besides."""

    @wraps(command)
    def call(*, quiet: bool, verbose: bool, **options: Any) -> None:
        from hand_cavi import InputError

        if quiet and verbose:
            raise InputError("--quiet and --verbose contradict each other; give one of the two")
        begin(quiet, verbose)
        try:
            command(**options)
        finally:
            note(f"{command.__name__.rstrip('_')} ends")

    given = signature(command)
    more = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in _LOUDNESS.items()
    ]
    call.__signature__ = given.replace(parameters=[*given.parameters.values(), *more])  # type: ignore[attr-defined]
    call.__annotations__ = {**command.__annotations__, **_LOUDNESS}
    return call


app = typer.Typer(
    cls=_Commands,
    help="How good is variational inference for your mixture? CAVI, ADVI and NUTS on one scale.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(asked: bool) -> None:
    if asked:
        print_version()
        raise typer.Exit


@app.callback()
def _before(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Read what stands before a subcommand."""


studies = (run, status, report, export, merge, rerun, clean)
for command in (*studies, gallery, fit, choose, check, validate, calibrate, init, doctor):
    app.command()(_as_loud_as_asked(command))
app.command("list")(_as_loud_as_asked(list_))
