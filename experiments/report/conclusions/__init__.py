"""What to conclude from a problem's figures, and what not, in plain sentences.

Each rule reads a few figures with their errors and says a sentence only where they support it; a figure that
does not exist silences its rule. Bounds are ranked in `experiments.report.conclusions.ranking`.
"""

from dataclasses import dataclass
from math import hypot

import numpy as np

from experiments.records import Estimate, Reference
from experiments.report.conclusions.ranking import bounds_of, listed, ranking
from experiments.report.gauges import gauges, is_distrusted
from experiments.report.style.numbers import fixed, with_error
from experiments.report.style.words import as_sentence
from experiments.report.tables.log_evidence import distance
from experiments.report.view import Entry, View, is_reference, number_of, numbers_of
from experiments.verdict import MARGIN

NEGLIGIBLE = 0.05
"""A standard deviation that is off by less than this share is called right: a convention of this project."""

_SAMPLERS = {"nuts": "a NUTS run", "gibbs": "a Gibbs sampler's run", "smc": "an SMC run"}
_APART = 4.0  # standard errors beyond which two opinions disagree
_PREDICTIVE_MATTERS = 0.05  # total variation; the margin of `VerdictOptions`, where it is judged
_BEYOND = 5.0  # standard errors by which a bound may not exceed the evidence


@dataclass(frozen=True)
class Conclusions:
    """Sentences that the figures support, and sentences on what they do not support."""

    drawn: list[str]
    not_drawn: list[str]


def conclusions(view: View) -> Conclusions:
    """Return what a careful reader would take from a problem, and what not."""
    drawn = [_on_reference(view), *_on_moments(view), *ranking(view), *_on_gap(view), *_on_prediction(view)]
    drawn += _on_importance(view)
    not_drawn = [
        *_impossible(view),
        *_disagreement(view.record.reference),
        *_without_reference(view),
        *_own_bounds(view),
        *_overlap(view),
        *_untrusted_weights(view),
        *_itself(view),
        *_unfinished(view),
    ]
    return Conclusions([sentence for sentence in drawn if sentence], not_drawn)


def _on_reference(view: View) -> str:
    from experiments.posterior.draws import are_independent

    reference = view.record.reference
    if not reference.qualified:
        return ""
    evidence = view.evidence
    if evidence is not None and evidence.standard_error == 0:
        if reference.method not in _SAMPLERS:
            return (
                f"The reference is exact (by {evidence.method}): differences from it are the methods' own, "
                "but for the stated Monte-Carlo errors."
            )
        return (
            f"log p(x) is exact (by {evidence.method}); means and widths are compared with "
            f"{_source(reference)}."
        )
    if reference.draws is not None and not are_independent(reference.draws):
        return (
            f"The reference is not exact. It is {_source(reference)}: nothing can be told that is finer than "
            "its Monte-Carlo error, which is part of every ± here."
        )
    return "The reference is an estimate that passed its own checks; its error is part of every ± here."


def _source(reference: Reference) -> str:
    return f"{_SAMPLERS.get(reference.method, f'a run of {reference.method}')} that passed its own checks"


def _on_moments(view: View) -> list[str]:
    found = []
    for entry in view.entries:
        means, agree = _means(entry, view.words)
        widths, narrow = _widths(entry)
        if not means and not widths:
            continue
        advice = ""
        if agree and narrow:
            advice = f" Use its {view.words}, not its intervals: they are too narrow."
        found.append(f"{entry.label}: {'; '.join(part for part in (means, widths) if part)}.{advice}")
    return found


def _means(entry: Entry, words: str) -> tuple[str, bool]:
    """Say whether the means (rates, ...) agree within the margin; also return whether they do."""
    pair = numbers_of(entry.record, "mean_error")
    if pair is None or not np.isfinite(pair[0]).any():
        return "", False
    sizes, errors = np.abs(pair[0]), np.nan_to_num(pair[1])
    i = int(np.nanargmax(sizes))
    shown = f"{with_error(float(sizes[i]), float(errors[i])).plain} reference sd"
    margin = entry.record.verdict.margin if entry.record.verdict is not None else MARGIN
    allowed = f"{margin:g} is allowed"
    if np.nanmax(sizes + 2 * errors) <= margin:
        return f"its {words} agree with the reference (the largest difference is {shown}, {allowed})", True
    if np.nanmax(sizes - 2 * errors) > margin:
        return f"its {words} do not agree with the reference: one is off by {shown}, and {allowed}", False
    return (
        f"whether its {words} agree with the reference cannot be told: the largest difference is {shown}, "
        f"and {allowed}"
    ), False


def _widths(entry: Entry) -> tuple[str, bool]:
    """Say how the standard deviations compare; also return whether some are too small and none too large."""
    pair = numbers_of(entry.record, "sd_ratio")
    if pair is None or not np.isfinite(pair[0]).all() or not (pair[0] > 0).all():
        return "", False
    ratios, errors = pair[0], np.nan_to_num(pair[1])
    low, high = ratios - 2 * errors, ratios + 2 * errors
    small, large = high < 1 - NEGLIGIBLE, low > 1 + NEGLIGIBLE
    if small.any() and large.any():
        return (
            f"of its standard deviations some are too small (by up to {_percent(1 - ratios.min())}), others "
            f"too large (by up to {_percent(ratios.max() - 1)})"
        ), False
    for wrong, off, word in ((small, 1 - ratios, "small"), (large, ratios - 1, "large")):
        if wrong.all():
            least, most = _percent(off.min()), _percent(off.max())
            by = most if least == most else f"{least.removesuffix(' %')} to {most}"
            return f"its standard deviations are {by} too {word}", word == "small"
        if wrong.any():
            return (
                f"{wrong.sum()} of its {len(ratios)} standard deviations are too {word}, by up to "
                f"{_percent(off.max())}"
            ), word == "small"
    if (low >= 1 - NEGLIGIBLE).all() and (high <= 1 + NEGLIGIBLE).all():
        return f"its standard deviations are right to within {_percent(NEGLIGIBLE)}", False
    return f"whether its standard deviations are right to within {_percent(NEGLIGIBLE)} cannot be told", False


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _on_gap(view: View) -> list[str]:
    """Say how much room the best method leaves to log p(x)."""
    gaps = [(e, pair) for e in view.entries if (pair := number_of(e.record, "evidence_gap")) is not None]
    if not gaps:
        return []
    entry, (gap, error) = min(gaps, key=lambda one: one[1][0])
    error = 0.0 if np.isnan(error) else error
    if gap < -_BEYOND * error - 1e-6:
        return []  # said among the impossible
    if gap <= 2 * error:
        return [
            f"After symmetrisation {entry.label} leaves no room below log p(x) that its errors could tell "
            f"from zero ({with_error(gap, error).plain} nats)."
        ]
    return [
        f"Of the methods here {entry.label} leaves the least room below log p(x) after symmetrisation: "
        f"{with_error(gap, error).plain} nats, its distance (KL) from the posterior."
    ]


def _on_prediction(view: View) -> list[str]:
    alike: list[str] = []
    unlike: list[tuple[str, float, float]] = []
    for entry in view.entries:
        pair = number_of(entry.record, "predictive_distance")
        threshold = entry.record.measurements["predictive_distance"].threshold if pair is not None else None
        if pair is None or threshold is None:
            continue
        if pair[0] <= threshold.value:
            alike.append(entry.label)
        else:
            unlike.append((entry.label, pair[0], threshold.value))
    found = []
    if alike:
        found.append(
            f"For predicting new points {listed(alike)} cannot be told from the "
            "reference: the predictive densities differ by no more than two sets of reference draws do."
        )
    for name, value, floor in unlike:
        size = f"the total variation is {fixed(value, 3)}, above the noise floor of {fixed(floor, 3)}"
        found.append(
            f"{name} predicts new points otherwise than the reference: {size}."
            if value > _PREDICTIVE_MATTERS
            else f"{name} predicts new points almost as the reference does: {size}: a difference, but "
            "too small to matter."
        )
    return found


def _on_importance(view: View) -> list[str]:
    found = []
    for entry in view.entries:
        pair, gauge = number_of(entry.record, "importance_evidence"), gauges(entry.record)
        if pair is None or gauge is None or not gauge.symmetrised_is_trusted:
            continue
        error = None if np.isnan(pair[1]) else pair[1]
        found.append(f"{entry.label} ({with_error(pair[0], error).plain})")
    if not found:
        return []
    return [
        f"log p(x) can be had in nats from importance sampling with the symmetrised q of {listed(found)}: "
        "the k-hat says that the weights can be trusted."
    ]


def _impossible(view: View) -> list[str]:
    """Say what no correct method shows: a bound above the evidence."""
    found = [
        f"Something is wrong with {entry.label} or with its reference: {as_sentence(what, begin=False)}"
        for entry in view.entries
        if entry.record.verdict is not None
        for what in entry.record.verdict.impossible
    ]
    evidence = view.evidence
    if evidence is None or found:
        return found
    for entry in view.entries:
        for name, label in (("own_bound", "own bound"), ("symmetrised_bound", "F symmetrised")):
            pair = number_of(entry.record, name)
            if pair is None:
                continue
            error = hypot(evidence.standard_error, 0.0 if np.isnan(pair[1]) else pair[1])
            if pair[0] - evidence.value > _BEYOND * error + 1e-6:
                found.append(
                    f"Do not use {entry.label} or this reference before the cause is found: its {label} is "
                    f"{with_error(pair[0] - evidence.value, error).plain} nats above log p(x), and no "
                    "correct bound is."
                )
                break
    return found


def _disagreement(reference: Reference) -> list[str]:
    first = reference.log_evidence
    estimates = [e for e in (first, *reference.opinions) if e is not None and not is_distrusted(e)]
    pairs = [(one, other) for i, one in enumerate(estimates) for other in estimates[i + 1 :]]
    for one, other in pairs:
        if _disagree(one, other):
            return [
                f"Do not rely on log p(x): {one.method} says {_said(one)} and {other.method} says "
                f"{_said(other)}, which is more than their errors allow. Gaps to it mean nothing until one "
                "of them is found to be wrong."
            ]
    return []


def _disagree(one: Estimate, other: Estimate) -> bool:
    apart = distance(one, other)
    return abs(one.value - other.value) > 1e-6 if apart is None else abs(apart) > _APART


def _said(estimate: Estimate) -> str:
    return with_error(estimate.value, estimate.standard_error).plain


def _without_reference(view: View) -> list[str]:
    if view.record.reference.qualified:
        if view.evidence is None:
            return [
                "The reference gives means and widths but no log p(x): how far the bounds are below it is "
                "unknown."
            ]
        return []
    return [
        "There is no reference, so nothing here says which method is right. Methods that agree may share "
        "an error; a higher F is a better bound, but how far it is from log p(x) is unknown."
    ]


def _own_bounds(view: View) -> list[str]:
    bounded = [entry for entry in view.entries if number_of(entry.record, "own_bound") is not None]
    kinds = {entry.record.cell.method.startswith("cavi") for entry in bounded}
    if len(kinds) < 2:
        return []
    return [
        "Do not compare the methods' own bounds: CAVI's also pays for approximating the assignments of "
        "points to clusters, the others' do not. Methods may be compared on F, or on F symmetrised."
    ]


def _overlap(view: View) -> list[str]:
    bounds = [bound for bound in bounds_of(view) if bound.share_of_most is not None]
    overlapping = [bound.entry.label for bound in bounds if (bound.share_of_most or 0.0) < 0.9]
    if not overlapping:
        return []
    return [
        f"Do not read sorted {view.words} as the clusters' own: components overlap (in the q of "
        f"{listed(overlapping)}), and then the smallest of a draw's {view.words} is now one component's, now "
        "another's. It remains a fair quantity to compare methods by."
    ]


def _untrusted_weights(view: View) -> list[str]:
    untrusted = [
        f"{entry.label} (k-hat {fixed(gauge.symmetrised, 2)})"
        for entry in view.entries
        if (gauge := gauges(entry.record)) is not None
        and np.isfinite(gauge.symmetrised)
        and not gauge.symmetrised_is_trusted
    ]
    if not untrusted:
        return []
    return [
        f"Do not use the importance-sampled log p(x) of {listed(untrusted)}: a few draws carry the weight, "
        "and the standard error is too small. F and F symmetrised do not suffer from this."
    ]


def _itself(view: View) -> list[str]:
    same = [entry.label for entry in view.entries if is_reference(entry)]
    if not same:
        return []
    return [f"The reference is the run of {listed(same)} itself: nothing here tests {listed(same)}."]


def _unfinished(view: View) -> list[str]:
    found = []
    for entry in view.entries:
        cell = entry.record
        if cell.status != "ok":
            found.append(f"Nothing can be said about {entry.label}: it {_ended(cell.status)}.")
        elif cell.outcome.startswith("max_") or cell.outcome in ("not_converged", "stopped"):
            found.append(
                f"{entry.label} stopped before it had converged ({cell.outcome.replace('_', ' ')}): its "
                "figures are those of where it stopped, not of the method at its best."
            )
    return found


def _ended(status: str) -> str:
    return {
        "failed": "failed",
        "crashed": "crashed",
        "timed_out": "ran out of time",
        "not_finite": "gave numbers that are not finite",
    }.get(status, f"has no result ({status.replace('_', ' ')})")
