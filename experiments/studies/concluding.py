"""The verdict on a study, from those on the cells that are judged."""

from collections.abc import Callable, Collection, Sequence
from math import nan

from experiments.methods import label
from experiments.records.measured import Verdict
from experiments.records.study import CellRecord
from experiments.verdict import verdict_of_study


def conclude_on(judged: Collection[str], methods: Sequence[str]) -> Callable[[Sequence[CellRecord]], Verdict]:
    """Return what gives the verdict on a study, see `experiments.engine.plan.Plan`.

    Parameters
    ----------
    judged : collection of str
        The keys of the cells that it is about.
    methods : sequence of str
        The names of their methods.
    """
    names = tuple(dict.fromkeys(label(method) for method in methods))

    def conclude(records: Sequence[CellRecord]) -> Verdict:
        verdicts = [record.verdict or _unjudged(record) for record in records if record.cell.key in judged]
        return verdict_of_study(verdicts, methods=names)

    return conclude


def _unjudged(record: CellRecord) -> Verdict:
    """Return the verdict on a cell without one: undecided, unless it is the reference itself."""
    was_due = record.status != "ok" or not record.measurements
    return Verdict("undecided" if was_due else "none", "", nan)
