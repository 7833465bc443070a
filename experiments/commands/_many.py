"""What a run says on the terminal of more problems than a screen holds: counts, and the worst first."""

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from experiments.records import StudyRecord
from experiments.report.outcomes import Noted, noted, outcomes_of, title_of
from experiments.report.style.numbers import typeset
from experiments.report.tables.groups import verdicts_by_method
from experiments.report.tables.table import Table

MOST_LINES = 59
"""Of a summary on the terminal."""

_MOST_ROWS = 12
_MOST_NAMED = 15
_COLOURS = {"pass": "green", "fail": "red", "undecided": "yellow"}


def print_many(record: StudyRecord, console: Console, show: Callable[[Table, Console], None]) -> None:
    """Print how many verdicts of each kind there are, and a line for each of the problems that come first."""
    outcomes = [outcome for problem in record.problems for outcome in outcomes_of(problem)]
    table = verdicts_by_method(outcomes)
    left = len(table.rows) - _MOST_ROWS
    console.print()
    show(Table(table.caption, table.columns, table.rows[:_MOST_ROWS], table.first), console)
    if left > 0:
        console.print(Text(f"and {left} more, in the report"))
    console.print()
    order = noted(record)
    for one in order[:_MOST_NAMED]:
        console.print(_line(one), no_wrap=True, overflow="ellipsis", crop=True)
    if len(order) > _MOST_NAMED:
        console.print(Text(f"and {len(order) - _MOST_NAMED} more, which --json has"))


def _line(one: Noted) -> Text:
    worst = one.worst
    words = Text(f"{worst.words:<10} ", style=_COLOURS.get(worst.decision, "red"))
    off = "" if worst.error is None else f" ({worst.error:.2f} sd)"
    return words.append(f"{title_of(one.problem)}{off}: {typeset(worst.said)}", style="default")
