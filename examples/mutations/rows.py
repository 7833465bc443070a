"""From outcomes to the table: one row for every mutant and for every correct derivation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from examples.mutations.measure import Outcome


@dataclass(frozen=True)
class Row:
    """What became of one derivation, in shares of the repetitions.

    Attributes
    ----------
    key : str
    names : str or None
        What should be named; None for a correct derivation, in which `caught` is the share of false alarms.
    repetitions : int
    caught : float
        The checker said that something is wrong.
    undecided : float
    named : float
        The first message names what it should.
    only : float
        All messages name it and nothing else.
    checks : dict of float
        By check: how often it failed. (A message is not given for every failure: consequences are left out.)
    seconds : float
        Processor time of one check, the mean.
    example : str
        The first message of the first seed that caught it.
    """

    key: str
    names: str | None
    repetitions: int
    caught: float
    undecided: float
    named: float
    only: float
    checks: dict[str, float]
    seconds: float
    example: str


def row(key: str, names: str | None, outcomes: Sequence[Outcome]) -> Row:
    """Sum up the outcomes of one derivation."""
    failures = Counter(check for o in outcomes for check in o.failed)
    return Row(
        key=key,
        names=names,
        repetitions=len(outcomes),
        caught=fmean(o.passed is False for o in outcomes),
        undecided=fmean(o.passed is None for o in outcomes),
        named=fmean(o.named[:1] == [names] for o in outcomes),
        only=fmean(o.named == [names] for o in outcomes),
        checks={check: count / len(outcomes) for check, count in sorted(failures.items())},
        seconds=round(fmean(o.seconds for o in outcomes), 3),
        example=next((o.message for o in outcomes if o.passed is False), ""),
    )


def good(r: Row) -> bool:
    """Say whether a mutant is caught and named often enough, or a correct derivation blamed rarely enough."""
    if r.names is None:
        return r.caught <= 0.01
    return r.caught >= 0.99 and r.named >= 0.95
