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
    """One question: one check of one factor.

    Attributes
    ----------
    check : str
        Its name in `experiments.checks.suite.CHECKS`, such as ``"definition"``.
    factor : str
        A factor's name, or ``"the ELBO"``.
    sentence : str
        The finding, for people.
    effect : float or None
        How wrong it is, in `unit`; an estimate, so that it is not exactly 0 where nothing is wrong.
    error_bound : float or None
        The largest effect that the draws leave plausible (about three standard errors), or the rounding that
        is allowed.
    statistic, p_value : float or None
        Of the last sample, where the check is statistical.
    draws : int
        Of the last sample; 0 where the check needs none.
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
        failed = effect > allowed
        decision = Decision.FAILED if failed else Decision.PASSED
        return cls(check, factor, decision, wrong if failed else right, effect, allowed)


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
        undecided = any(result.decision is Decision.UNDECIDED for result in self.results)
        return None if undecided else True

    def summary(self) -> dict[str, object]:
        """Return the report as plain data, for JSON."""
        return {
            "passed": self.passed,
            "false_alarm_rate": self.false_alarm_rate,
            "seconds": self.seconds,
            "faults": [vars(fault) for fault in self.faults],
            "results": [{**vars(result), "decision": result.decision.value} for result in self.results],
        }
