"""What a verdict says, for a newcomer: sentences with the numbers in them."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, isfinite

import numpy as np

from experiments.config.options import VerdictOptions
from experiments.records import Comparison, Measurement, Reference
from experiments.verdict.questions import flat, judged

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
    return f"{said}: {in_words(worst_of(alike), comparisons, quantity)}."


def worst_of(comparisons: Sequence[Comparison]) -> Comparison:
    """Return the comparison that is furthest off, as a share of its margin."""
    shares = [abs(one.difference) / (one.margin or MARGIN) for one in comparisons]
    return comparisons[int(np.argmax(np.where(np.isfinite(shares), shares, np.inf)))]


def in_words(one: Comparison, comparisons: Sequence[Comparison], quantity: str) -> str:
    """Return a comparison with its numbers, as a clause."""
    half, margin = (one.high - one.low) / 2, one.margin or MARGIN
    if one.unit == "log ratio":
        return (
            f"the {one.quantity} is {exp(one.difference):.2f} times the reference's (between "
            f"{exp(one.low):.2f} and {exp(one.high):.2f}), "
            f"{against(one.decision, f'factor of {exp(margin):.3g}')}"
        )
    limit = against(one.decision, f"{margin:.3g}")
    if one.unit == "reference sd":
        return (
            f"{_which(one, comparisons, quantity)} is off by {plain(abs(one.difference))} posterior standard "
            f"deviations, give or take {plain(half)}, {limit}"
        )
    unit = f" {one.unit}" if one.unit.startswith("nats") else ""
    off = " off by" if one.unit == "nats per parameter" else ""
    return f"the {one.quantity} is{off} {plain(one.difference)}{unit}, give or take {plain(half)}, {limit}"


def against(decision: str, limit: str) -> str:
    """Return how a figure with this decision stands to what is allowed, so that it cannot be misread."""
    how = {"pass": "within", "fail": "which exceeds"}.get(decision, "which may or may not exceed")
    return f"{how} the {limit} that is allowed"


def plain(figure: float, decimals: int = 3) -> str:
    """Return a figure with some decimals, or in powers of ten where that would be a row of digits."""
    return f"{figure:.{decimals}f}" if abs(figure) < 1e6 else f"{figure:.2g}"


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
        is_judged = "sds" in judged(measurements, options)
        rule = f"judged within a factor of {options.sd_factor:g}" if is_judged else "not judged"
        said += f" Its {span} ({rule})."
    below = _below_the_best(measurements.get("error_decomposition"))
    if below > _WORSE_OPTIMUM:
        said += f" It sits at a worse optimum: the best known bound is {below:.2f} nats higher."
    return said


def widths(ratios: Iterable[Measurement | None]) -> str:
    """Return what standard deviations are as ratios to the reference's, as a clause, or nothing."""
    found = [one for one in ratios if one is not None and isinstance(one.value, list) and one.value]
    pairs = [(flat(one.value), flat(one.standard_error)) for one in found]
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


_JUDGED = {
    "means": "means",
    "sds": "standard deviations",
    "likelihood": "the log likelihood",
    "predictive": "the predictive density",
    "co_clustering": "co-clustering",
    "evidence": "the evidence gap",
}
"""What a sentence calls that which is judged."""


def names_judged(measurements: Mapping[str, Measurement], options: VerdictOptions) -> tuple[str, ...]:
    """Return what a sentence calls what is judged."""
    names: list[str] = []
    for kind in judged(measurements, options):
        if kind == "parameters":
            entries = measurements["parameter_error"].entries if "parameter_error" in measurements else ()
            names += dict.fromkeys(f"{entry.split()[1]}s" for entry in entries)
        elif kind == "likelihood" and "means" in measurements:
            names.append("the joint log density")
        else:
            names.append(_JUDGED[kind])
    return tuple(names)


def what_was_judged(names: Sequence[str]) -> str:
    """Return a sentence with a space before it, or nothing if nothing was judged."""
    *others, last = names or ("",)
    return f" Judged: {', '.join(others)}{' and ' if others else ''}{last}." if last else ""


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
