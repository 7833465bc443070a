"""Text that fits the terminal: sentences are wrapped, tables that are too wide go on below themselves.

What is written to a file or a pipe has no width, and no line of it is broken, unless ``COLUMNS`` gives one.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from shutil import get_terminal_size
from textwrap import wrap

GAP = 2  # blanks between columns
_LEAST = 40  # columns that are made use of, even on a terminal that has fewer


def columns() -> int | None:
    """Return how many columns may be written to on stdout; None if any number."""
    if not (os.environ.get("COLUMNS") or sys.stdout.isatty()):
        return None
    return max(_LEAST, get_terminal_size().columns)


def wrapped(line: str, indent: int = 0) -> list[str]:
    """Return a line as lines that fit; those that go on are indented as it is, and by as much more."""
    width = columns()
    if width is None or len(line) <= width:
        return [line]
    before = line[: len(line) - len(line.lstrip())]
    more = before + " " * indent
    found = wrap(line.lstrip(), width, initial_indent=before, subsequent_indent=more, break_on_hyphens=False)
    return found or [line]


def say(*lines: str, indent: int = 0) -> None:
    """Print lines, those that are too long wrapped."""
    for line in "\n".join(lines).split("\n"):
        print(*wrapped(line, indent), sep="\n")


def pieces(widths: Sequence[int], width: int | None, keys: int = 1) -> list[list[int]]:
    """Return which columns of a table stand side by side in each of its pieces; all have the first `keys`.

    Parameters
    ----------
    widths : sequence of int
        Of the columns.
    width : int or None
        What a piece may have.
    """
    first = list(range(min(keys, len(widths))))
    begins = sum(widths[i] + GAP for i in first)
    found, used = [[*first]], begins
    for i in range(len(first), len(widths)):
        if width is not None and used + widths[i] > width and len(found[-1]) > len(first):
            found.append([*first])
            used = begins
        found[-1].append(i)
        used += widths[i] + GAP
    return found


def print_aligned(rows: Sequence[Sequence[str]]) -> None:
    """Print rows as columns aligned at the right, in pieces if they are too wide."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, piece in enumerate(pieces(widths, columns())):
        if number:
            print()
        for row in rows:
            print((" " * GAP).join(row[i].rjust(widths[i]) for i in piece))


def folded(words: Iterable[str], width: int, before: str) -> str:
    """Return words, each `width` wide and aligned at the right, in as many lines as they need.

    `before` stands before the first line, blanks before the others.
    """
    cells, room = [word.rjust(width) for word in words], columns()
    each = len(cells) if room is None else max(1, (room - len(before)) // (width + GAP))
    lines = [cells[i : i + each] for i in range(0, len(cells), each)]
    starts = [before, *[" " * len(before)] * len(lines)]
    return "\n".join((" " * GAP).join([start, *line]) for start, line in zip(starts, lines, strict=False))
