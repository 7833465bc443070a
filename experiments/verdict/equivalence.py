"""Equivalence tests with three answers, and how many more draws an open one needs.

The two one-sided tests (Schuirmann 1987; Wellek 2010) as an interval, see docs/mathematics.md, section 10:
inside the limits it is a pass, wholly outside a fail, else undecided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, isfinite, log10
from statistics import NormalDist

from experiments.records import Comparison
from hand_cavi import InputError

HOPELESS = 1000.0
"""So many times as many draws are not worth asking for: the difference sits on the margin."""


@dataclass(frozen=True)
class Question:
    """One quantity to be judged; the figures are those of `Comparison`.

    Attributes
    ----------
    one_sided : bool
        Whether only a difference above the margin is wrong, as for a distance.
    method_error : float or None
        The method's part of the standard error; None if the parts are not known.
    """

    quantity: str
    difference: float
    standard_error: float
    margin: float
    unit: str = "reference sd"
    one_sided: bool = False
    method_error: float | None = None

    @property
    def limits(self) -> tuple[float, float]:
        """Between which differences count as agreement."""
        return -inf if self.one_sided else -self.margin, self.margin


@dataclass(frozen=True)
class Need:
    """How many times as many draws would decide: 1 where these suffice, infinite where no number would do."""

    method: float = 1.0
    reference: float = 1.0

    def __or__(self, other: "Need") -> "Need":
        """Return what serves both."""
        return Need(max(self.method, other.method), max(self.reference, other.reference))

    def __str__(self) -> str:
        if self == Need():
            return ""
        if max(self.method, self.reference) > HOPELESS:
            return "no number of draws would decide it: the difference sits on the margin"
        method, reference = _times(self.method), _times(self.reference)
        if self.method == 1:
            return f"about {reference} times as many reference draws"
        if self.reference == 1:
            return f"about {method} times as many draws of the method"
        if method == reference:
            return f"about {method} times as many draws, of the method and of the reference"
        return (
            f"about {method} times as many draws of the method, and {reference} times as many reference draws"
        )


def compare(questions: Sequence[Question], *, alpha: float) -> tuple[tuple[Comparison, ...], Need]:
    """Answer all questions, and say what would decide all that are undecided.

    Alpha is the chance that some interval misses its true difference, at most.

    Raises
    ------
    InputError
        If a margin is not above zero, or alpha not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise InputError(f"the error rate is {alpha!r}; it must be between 0 and 1")
    z = NormalDist().inv_cdf(1 - alpha / max(len(questions), 1) / 2)
    comparisons, need = [], Need()
    for one in questions:
        if not (isfinite(one.margin) and one.margin > 0):
            raise InputError(f"margin is {one.margin!r}; it must be above zero")
        half = z * one.standard_error
        low, high = one.difference - half, one.difference + half
        decision = _decision(low, high, one.limits)
        own = more_draws(one, z) if decision == "undecided" else Need()
        need |= own
        figures = (one.quantity, one.difference, one.standard_error, low, high)
        comparisons.append(Comparison(*figures, decision, one.unit, one.margin, str(own)))
    return tuple(comparisons), need


def _decision(low: float, high: float, limits: tuple[float, float]) -> str:
    """Return the answer; comparisons with NaN are false, so that what is no number stays undecided."""
    if limits[0] <= low and high <= limits[1]:
        return "pass"
    if low > limits[1] or high < limits[0]:
        return "fail"
    return "undecided"


def more_draws(question: Question, z: float) -> Need:
    """Return the cheapest way to shrink z standard errors to the distance from the nearest limit.

    See docs/mathematics.md, section 10; the target is (d/z)^2.
    """
    if not (isfinite(question.difference) and isfinite(question.standard_error)):
        return Need()  # more draws of what has no figure decide nothing
    distance = min(abs(question.difference - limit) for limit in question.limits)
    target, variance = (distance / z) ** 2, question.standard_error**2
    both = variance / target if target > 0 else inf
    ways = [Need(both, both)]
    if question.method_error is not None:
        of_method = min(question.method_error**2, variance)
        of_reference = variance - of_method
        if target > of_reference:
            ways.append(Need(method=of_method / (target - of_reference)))
        if target > of_method:
            ways.append(Need(reference=of_reference / (target - of_method)))
    return min(ways, key=lambda need: need.method + need.reference)


def _times(factor: float) -> str:
    """Return a factor for a reader, rounded up: to a tenth below 10, else to two digits."""
    unit = 0.1 if factor < 10 else 10 ** (floor(log10(factor)) - 1)
    return f"{ceil(factor / unit - 1e-9) * unit:g}"
