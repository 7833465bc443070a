"""What a verdict says, for a newcomer: sentences with the numbers in them."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, isfinite

import numpy as np

from experiments.config.options import VerdictOptions
from experiments.records import Comparison, Measurement, Reference

MARGIN = VerdictOptions().margin

_WORSE_OPTIMUM = 0.1
"""Nats below the best known optimum from which a sentence tells it."""

NEGLIGIBLE = 0.05
"""A standard deviation that is off by less than this share is called right: a convention of this project."""


def sentence_of(
    decision: str, comparisons: Sequence[Comparison], method: str, truth: str, quantity: str
) -> str:
    """Return the verdict with the comparison that decided it: of those with this decision, the worst.

    Of a pass, the worst location: the standard deviations have a sentence of their own.
    """
    said = {
        "pass": f"{method} agrees with {truth}",
        "fail": f"{method} does not agree with {truth}",
        "undecided": f"It is undecided whether {method} agrees with {truth}",
    }[decision]
    alike = [one for one in comparisons if one.decision == decision]
    if decision == "pass":
        alike = [one for one in alike if one.unit == "reference sd"] or alike
    worst = max(alike, key=_share_of_margin)
    return f"{said}: {_in_words(worst, comparisons, quantity)}."


def _share_of_margin(one: Comparison) -> float:
    share = abs(one.difference) / (one.margin or MARGIN)
    return share if isfinite(share) else float("inf")


def _in_words(one: Comparison, comparisons: Sequence[Comparison], quantity: str) -> str:
    half, margin = (one.high - one.low) / 2, one.margin or MARGIN
    if one.unit == "log ratio":
        return (
            f"the {one.quantity} is {exp(one.difference):.2f} times the reference's (between "
            f"{exp(one.low):.2f} and {exp(one.high):.2f}), "
            f"{against(one.decision, f'factor of {exp(margin):.3g}')}"
        )
    limit = against(one.decision, f"{margin:g}")
    if one.unit == "reference sd":
        return (
            f"{_which(one, comparisons, quantity)} is off by {abs(one.difference):.3f} posterior standard "
            f"deviations, give or take {half:.3f}, {limit}"
        )
    unit = " nats" if one.unit == "nats" else ""
    return f"the {one.quantity} is {one.difference:.3f}{unit}, give or take {half:.3f}, {limit}"


def against(decision: str, limit: str) -> str:
    """Return how a figure with this decision stands to what is allowed, so that it cannot be misread."""
    how = {"pass": "within", "fail": "which exceeds"}.get(decision, "which may or may not exceed")
    return f"{how} the {limit} that is allowed"


def _which(one: Comparison, comparisons: Sequence[Comparison], quantity: str) -> str:
    alike = [other for other in comparisons if other.unit == one.unit]
    if len(alike) == 1:
        return f"its only {quantity} ({one.quantity})"
    largest = all(abs(other.difference) <= abs(one.difference) for other in alike)
    return f"{'the largest' if largest else 'one'} of {len(alike)} differences ({one.quantity})"


def remarks(measurements: Mapping[str, Measurement], options: VerdictOptions) -> str:
    """Return what a reader of a verdict should know beside it, in sentences that begin with a space."""
    said = ""
    if span := widths([measurements.get("sd_ratio")]):
        rule = f"judged within a factor of {options.sd_factor:g}" if "sds" in options.judge else "not judged"
        said += f" Its {span} ({rule})."
    below = _below_the_best(measurements.get("error_decomposition"))
    if below > _WORSE_OPTIMUM:
        said += f" It sits at a worse optimum: the best known bound is {below:.2f} nats higher."
    return said


def widths(ratios: Iterable[Measurement | None]) -> str:
    """Return what standard deviations are as ratios to the reference's, as a clause, or nothing."""
    found = [one for one in ratios if one is not None and isinstance(one.value, list) and one.value]
    pairs = [(_flat(one.value), _flat(one.standard_error)) for one in found]
    if not pairs or not all(np.isfinite(value).all() for value, _ in pairs):
        return ""
    value = np.concatenate([value for value, _ in pairs])
    error = np.concatenate([np.broadcast_to(error, value.shape) for value, error in pairs])
    said = f"standard deviations are {value.min():.2f} to {value.max():.2f} times the reference's"
    off = [
        f"up to {100 * share.max():.0f} % too {word}"
        for word, share in (("small", 1 - value), ("large", value - 1))
        if (share - 2 * error > NEGLIGIBLE).any()  # what has no error is called neither
    ]
    return said + (f": {' and '.join(off)}" if off else "")


def _flat(figures: object) -> np.ndarray:
    return np.asarray(np.nan if figures is None else figures, dtype=np.float64).ravel()


def _below_the_best(parts: Measurement | None) -> float:
    """Return how many nats the best known optimum is higher, 0 where its errors could explain that."""
    if parts is None or "optimum" not in parts.entries:
        return 0.0
    assert isinstance(parts.value, list) and isinstance(parts.standard_error, list)
    i = parts.entries.index("optimum")
    below, error = parts.value[i], parts.standard_error[i]
    return below if isfinite(below) and below > 3 * error else 0.0


def called(reference: Reference) -> str:
    """Return what a sentence calls a reference."""
    return reference.called or f"the exact answer (by {reference.method})"
