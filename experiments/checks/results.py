"""What a check says: a result for every question asked, a fault for every one that went wrong."""

from dataclasses import dataclass
from enum import Enum

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


@dataclass(frozen=True)
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

    def summary(self) -> dict[str, object]:
        """Return the report as plain data, for JSON."""
        return {
            "passed": self.passed,
            "false_alarm_rate": self.false_alarm_rate,
            "seconds": self.seconds,
            "faults": [vars(fault) for fault in self.faults],
            "results": [{**vars(result), "decision": result.decision.value} for result in self.results],
        }
