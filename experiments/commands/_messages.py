"""What is said on stderr: cut if it is long, and without characters that would command the terminal.

How much is said is asked for once, by ``--quiet`` or ``--verbose`` of any command (`_app`).
"""

import re
import sys
import time
from dataclasses import dataclass

LONGEST = 1000
"""Characters of a message that are printed."""

_LINES = 5  # of what a cell printed
_LONG_WORD = re.compile(r"(\S{200})\S{100,}(\S{50})")  # no path is likely to be as long
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass
class Loudness:
    """How much a command says on stderr, and when it began."""

    quiet: bool = False
    verbose: bool = False
    began: float = 0.0


loudness = Loudness()
"""That of the command that runs."""


def begin(quiet: bool = False, verbose: bool = False) -> None:
    """Begin a command, which says so much."""
    loudness.quiet, loudness.verbose, loudness.began = quiet, verbose, time.monotonic()


def warn(message: str) -> None:
    """Make a remark, unless none is wanted: the command goes on."""
    if not loudness.quiet:
        complain(message)


def note(message: str) -> None:
    """Tell what goes on, if that is wanted, after the seconds since the command began."""
    if loudness.verbose:
        complain(f"[{time.monotonic() - loudness.began:.1f} s] {message}")


def complain(message: str) -> None:
    """Say what stops a command, or lets it fail, a line at a time, as `plain`."""
    for line in message.splitlines():
        print(f"elbowroom: {plain(line)}", file=sys.stderr)


def last_lines(printed: str) -> list[str]:
    """Return the last lines of what a cell printed, indented, as `plain`."""
    return [f"    | {plain(line)}" for line in printed.splitlines()[-_LINES:]]


def plain(line: str) -> str:
    """Return a line without what would command a terminal, and with long words and a long middle cut out."""
    line = _LONG_WORD.sub(r"\1...\2", _COMMANDS.sub("\N{REPLACEMENT CHARACTER}", line))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 205]} ... {line[-200:]}"


def print_version() -> None:
    """Print the version that is installed, on stdout."""
    from experiments.engine.code_version import package_version

    print(f"elbowroom {package_version() or 'unknown: it is not installed'}")
