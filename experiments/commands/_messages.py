"""What is said on stderr: cut if it is long, and without characters that would command the terminal."""

import re
import sys

LONGEST = 1000
"""Characters of a message that are printed."""

_LINES = 5  # of what a cell printed
_LONG_WORD = re.compile(r"(\S{200})\S{100,}(\S{50})")  # no path is likely to be as long
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def warn(message: str) -> None:
    """Say something on stderr, a line of it at a time, as `plain`."""
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
