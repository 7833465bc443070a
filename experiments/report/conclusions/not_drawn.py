"""What the figures of a problem do not say: what is wrong, doubtful, unfinished, or not comparable."""

from itertools import combinations
from math import hypot

import numpy as np

from experiments.records import Reference
from experiments.report.cautions import cautions
from experiments.report.conclusions.drawn import BEYOND
from experiments.report.conclusions.ranking import bounds_of
from experiments.report.gauges import gauges, is_distrusted
from experiments.report.style.numbers import fixed, with_error
from experiments.report.style.words import as_sentence, listed
from experiments.report.tables.log_evidence import distance
from experiments.report.view import View, number_of

_APART = 4.0  # standard errors beyond which two opinions disagree
_ENDED = {
    "failed": "failed",
    "crashed": "crashed",
    "timed_out": "ran out of time",
    "not_finite": "gave numbers that are not finite",
}


def not_drawn(view: View) -> list[str]:
    """Return sentences on what the figures do not support."""
    return [
        *_impossible(view),
        *_disagreement(view.record.reference),
        *_without_reference(view),
        *_own_bounds(view),
        *_overlap(view),
        *_cautions(view),
        *_untrusted_weights(view),
        *_itself(view),
        *_unfinished(view),
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
            if pair is None or np.isnan(pair[1]):  # by how much it may be off, nobody knows
                continue
            error = hypot(evidence.standard_error, pair[1])
            if pair[0] - evidence.value > BEYOND * error + 1e-6:
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
    for pair in combinations(estimates, 2):
        apart = distance(*pair)
        if abs(pair[0].value - pair[1].value) > 1e-6 and (apart is None or abs(apart) > _APART):
            said = (f"{e.method} says {with_error(e.value, e.standard_error).plain}" for e in pair)
            return [
                f"Do not rely on log p(x): {' and '.join(said)}, which is more than their errors allow. Gaps "
                "to it mean nothing until one of them is found to be wrong."
            ]
    return []


def _without_reference(view: View) -> list[str]:
    if view.evidence is not None:
        return []
    if view.record.reference.qualified:
        return [
            "The reference gives means and widths but no log p(x): how far the bounds are below it is "
            "unknown."
        ]
    return [
        "There is no reference, so nothing here says which method is right. Methods that agree may share "
        "an error; a higher F is a better bound, but how far it is from log p(x) is unknown."
    ]


def _own_bounds(view: View) -> list[str]:
    bounded = [entry for entry in view.entries if number_of(entry.record, "own_bound") is not None]
    paying = {entry.record.told.bound_of == "theta and assignments" for entry in bounded}
    if len(paying) < 2:
        return []
    return [
        "Do not compare the methods' own bounds: CAVI's also pays for approximating the assignments of "
        "points to clusters, the others' do not. Methods may be compared on F, or on F symmetrised."
    ]


def _overlap(view: View) -> list[str]:
    shares = [(bound.entry.label, bound.share_of_most) for bound in bounds_of(view)]
    overlapping = [label for label, share in shares if share is not None and share < 0.9]
    if not overlapping:
        return []
    return [
        f"Do not read sorted {view.words} as the clusters' own: components overlap (in the q of "
        f"{listed(overlapping)}), and then the smallest of a draw's {view.words} is now one component's, now "
        "another's. It remains a fair quantity to compare methods by."
    ]


def _cautions(view: View) -> list[str]:
    """Say which components hold no points, and which overlap, in the words of all commands."""
    found = cautions(view.record)
    if found:
        found[-1] += " Components are numbered from left to right by the points that they hold."
    return found


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
    same = next((entry for entry in view.entries if entry.is_reference), None)
    if same is None:
        return []
    itself = f"The reference is the run of {same.label} itself"
    if same.second:
        return [f"{itself}, which is judged against that of {same.second}, in another language."]
    return [f"{itself}: nothing here tests {same.label}."]


def _unfinished(view: View) -> list[str]:
    found = []
    for entry in view.entries:
        cell = entry.record
        if cell.status != "ok":
            ended = _ENDED.get(cell.status, f"has no result ({cell.status.replace('_', ' ')})")
            found.append(f"Nothing can be said about {entry.label}: it {ended}.")
        elif cell.outcome.startswith("max_") or cell.outcome in ("not_converged", "stopped"):
            found.append(
                f"{entry.label} stopped before it had converged ({cell.outcome.replace('_', ' ')}): its "
                "figures are those of where it stopped, not of the method at its best."
            )
    return found
