"""What a table of the report is: columns, rows, footnotes."""

from dataclasses import dataclass
from functools import cached_property

from experiments.report.style import numbers
from experiments.report.style.numbers import Shown

MARKS = {"pass": "✓", "fail": "✗", "undecided": "?", "none": numbers.DASH}
"""Of the decisions of a verdict, by the style sheet's class; nothing else has a mark."""


MOST_FOOTNOTES = 4
"""Under a table; more of them are folded away, by rows, and stand beside the entries when pointed at."""


@dataclass(frozen=True)
class Column:
    """A column's head: its name and, small beneath it, its unit or meaning."""

    name: str
    below: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """A row: its head and its entries; the method whose colour it has, and the place that it links to."""

    head: str
    entries: tuple[Shown, ...]
    method: str = ""
    link: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption; footnotes are gathered from the entries' notes; `first` heads the rows.

    `filters` are the columns, the rows' heads being column 0, by which a reader may choose rows.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    first: str = "Method"
    filters: tuple[int, ...] = ()

    @cached_property
    def footnotes(self) -> list[str]:
        """The entries' notes, each once, in the order of reading."""
        return list(dict.fromkeys(entry.note for row in self.rows for entry in row.entries if entry.note))

    def footnote(self, entry: Shown) -> str:
        """Return the letter of an entry's note, or nothing where notes are folded away."""
        return letter(self.footnotes.index(entry.note)) if entry.note and not self.folded_notes else ""

    @cached_property
    def folded_notes(self) -> list[tuple[str, str]]:
        """What the notes are about, and the notes, if they are more than `MOST_FOOTNOTES`; else nothing."""
        if len(self.footnotes) <= MOST_FOOTNOTES:
            return []
        return [(self._about(note), note) for note in self.footnotes]

    def _about(self, note: str) -> str:
        """Return the rows that have a note, and in brackets the columns."""
        rows = [row.head for row in self.rows if any(entry.note == note for entry in row.entries)]
        columns = [
            column.name
            for i, column in enumerate(self.columns)
            if any(row.entries[i].note == note for row in self.rows)
        ]
        return f"{'; '.join(rows)} ({', '.join(columns)})"

    @cached_property
    def decimals(self) -> list[int]:
        """The most decimals in each column, to which its entries are aligned."""
        columns = range(len(self.columns))
        return [max((row.entries[i].decimals for row in self.rows), default=0) for i in columns]

    @cached_property
    def error_width(self) -> list[int]:
        """The most characters after a number in each column."""
        columns = range(len(self.columns))
        return [max((len(row.entries[i].error) for row in self.rows), default=0) for i in columns]


def letter(index: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 0, 1, ..."""
    word = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        word = chr(ord("a") + rest) + word
    return word
