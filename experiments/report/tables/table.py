"""What a table of the report is: columns, rows, footnotes."""

from dataclasses import dataclass

from experiments.report.style import numbers
from experiments.report.style.numbers import Shown

MARKS = {"pass": "✓", "fail": "✗", "undecided": "?", "none": numbers.DASH}
"""Of the decisions of a verdict, by the style sheet's class; nothing else has a mark."""


@dataclass(frozen=True)
class Column:
    """A column's head: its name and, small beneath it, its unit or meaning."""

    name: str
    below: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """A row: its head and its entries; the method whose colour it has, and the section that it links to."""

    head: str
    entries: tuple[Shown, ...]
    method: str = ""
    link: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption; footnotes are gathered from the entries' notes; `first` heads the rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    first: str = "Method"

    @property
    def footnotes(self) -> list[str]:
        """The entries' notes, each once, in the order of reading."""
        return list(dict.fromkeys(entry.note for row in self.rows for entry in row.entries if entry.note))

    def footnote(self, entry: Shown) -> str:
        """Return the letter of an entry's note, or nothing."""
        return letter(self.footnotes.index(entry.note)) if entry.note else ""

    def decimals(self, column: int) -> int:
        """Return the most decimals in a column, to which its entries are aligned."""
        return max((row.entries[column].decimals for row in self.rows), default=0)

    def error_width(self, column: int) -> int:
        """Return the most characters after a number in a column."""
        return max((len(row.entries[column].error) for row in self.rows), default=0)


def letter(index: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 0, 1, ..."""
    word = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        word = chr(ord("a") + rest) + word
    return word
