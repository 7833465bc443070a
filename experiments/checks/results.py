"""What a check says: a result for every question asked, a fault for every one that went wrong."""

from dataclasses import dataclass
from enum import Enum

from hand_cavi.result.html import listing, page, table

BOUND = "the ELBO"
"""What a fault names when no factor is wrong but the bound is."""


class Decision(Enum):
    """How a question was answered."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """One question: one check, by its name in `experiments.checks.suite.CHECKS`, of one factor or the ELBO.

    Attributes
    ----------
    effect : float or None
        How wrong it is, in `unit`; an estimate, so that it is not exactly 0 where nothing is wrong.
    error_bound : float or None
        The largest effect that the draws leave plausible (about three standard errors), or the rounding that
        is allowed.
    statistic, p_value, draws : float or None, int
        Of the last sample, where the check is statistical; else None and 0.
    """

    check: str
    factor: str
    decision: Decision
    sentence: str
    effect: float | None = None
    error_bound: float | None = None
    unit: str = "nats"
    statistic: float | None = None
    p_value: float | None = None
    draws: int = 0

    @classmethod
    def up_to_rounding(
        cls, check: str, factor: str, effect: float, allowed: float, wrong: str, right: str
    ) -> "Result":
        """Return the answer of a check without chance: failed, and the sentence `wrong`, if more is off."""
        decision, sentence = (Decision.FAILED, wrong) if effect > allowed else (Decision.PASSED, right)
        return cls(check, factor, decision, sentence, effect, allowed)


@dataclass(frozen=True)
class Fault:
    """Something that is wrong: what, where, and in which direction."""

    check: str
    factor: str
    message: str


_MARKS = {Decision.PASSED: "ok", Decision.FAILED: "WRONG"}
"""How a decision is marked; the others are called as they are."""


@dataclass(frozen=True, repr=False)
class Report:
    """All that was asked of a derivation, in the order in which it was asked.

    Faults come the most direct first; where one explains another, the other is left out. The rate is the
    largest probability with which a correct derivation gets any fault.
    """

    results: tuple[Result, ...]
    faults: tuple[Fault, ...]
    false_alarm_rate: float
    seconds: float

    @property
    def passed(self) -> bool | None:
        """True, False, or None if nothing is wrong but not everything could be decided."""
        if self.faults:
            return False
        return None if any(one.decision is Decision.UNDECIDED for one in self.results) else True

    @property
    def conclusion(self) -> str:
        """What was found: a line that names what is wrong and one for each fault, or that nothing is."""
        if self.faults:
            wrong = ", ".join(dict.fromkeys(fault.factor for fault in self.faults))
            return "\n".join([f"Wrong: {wrong}.", *(f"  {fault.message}" for fault in self.faults)])
        if self.passed is None:
            return "Nothing wrong was found, but the draws could not decide everything."
        return "Nothing wrong was found."

    @property
    def caveat(self) -> str:
        """How often a correct derivation would be called wrong, in a sentence."""
        rate = f"{100 * self.false_alarm_rate:g} % of such checks"
        return f"A correct derivation is called wrong in at most {rate}."

    @property
    def text(self) -> str:
        """All questions and answers, and the conclusion, as lines for a terminal."""
        lines, last = [], ""
        for one in self.results:
            check, last = one.check if one.check != last else "", one.check
            lines.append(f"  {check:<13} {_mark(one):<9} {one.sentence}")
        return "\n".join([*lines, "", self.conclusion, f"{self.caveat} {self.seconds:.1f} s."])

    def __repr__(self) -> str:
        return f"<Report of {len(self.results)} questions: {self.conclusion}>"

    def _repr_html_(self) -> str:
        rows = [[one.check, one.factor, _mark(one), one.sentence] for one in self.results]
        first, *faults = self.conclusion.splitlines()
        asked = table(["check", "of", "", "answer"], rows)
        return page(first, listing(faults), asked, listing([self.caveat]))

    def summary(self) -> dict[str, object]:
        """Return the report as plain data, for JSON."""
        return {
            "passed": self.passed,
            "false_alarm_rate": self.false_alarm_rate,
            "seconds": self.seconds,
            "faults": [vars(fault) for fault in self.faults],
            "results": [{**vars(result), "decision": result.decision.value} for result in self.results],
        }


def _mark(one: Result) -> str:
    return _MARKS.get(one.decision, one.decision.value)
