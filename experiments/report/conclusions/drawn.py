"""What the figures of a problem say: how far each method agrees with the reference, and in what."""

import numpy as np

from experiments.posterior.draws import are_independent
from experiments.records import Reference
from experiments.report.conclusions.ranking import ranking
from experiments.report.gauges import gauges
from experiments.report.style.numbers import fixed, with_error
from experiments.report.style.words import as_sentence, listed
from experiments.report.view import Entry, View, number_of, numbers_of
from experiments.verdict.cell import decide
from experiments.verdict.fit_to_data import sentence
from experiments.verdict.wording import MARGIN, NEGLIGIBLE, against

BEYOND = 5.0
"""Standard errors by which a bound may not exceed the evidence."""

_SAMPLERS = {"nuts": "a NUTS run", "gibbs": "a Gibbs sampler's run", "smc": "an SMC run"}
_PREDICTIVE_MATTERS = 0.05  # total variation; the margin of `VerdictOptions`, where it is judged


def drawn(view: View) -> list[str]:
    """Return the sentences that the figures support."""
    found = [_on_reference(view), *_on_moments(view), *_on_the_data(view), *ranking(view), *_on_gap(view)]
    return [said for said in (*found, *_on_prediction(view), *_on_importance(view)) if said]


def _on_reference(view: View) -> str:
    reference = view.record.reference
    if not reference.qualified:
        return ""
    evidence = view.evidence
    if evidence is not None and evidence.accuracy:
        by = f"{evidence.accuracy} (by {evidence.method})"
        if reference.method == evidence.method:
            return (
                f"The reference is {by}: differences from it are the methods' own, but for the stated "
                "Monte-Carlo errors."
            )
        return f"log p(x) is {by}; means and widths are compared with {_source(reference)}."
    if reference.draws is not None and not are_independent(reference.draws):
        return (
            f"The reference is not exact. It is {_source(reference)}: nothing can be told that is finer than "
            "its Monte-Carlo error, which is part of every ± here."
        )
    return "The reference is an estimate that passed its own checks; its error is part of every ± here."


def _source(reference: Reference) -> str:
    return f"{_SAMPLERS.get(reference.method, f'a run of {reference.method}')} that passed its own checks"


def _on_the_data(view: View) -> list[str]:
    """Say whether the reference's mixture and each method's fit the data."""
    cells = [entry for entry in view.entries if not entry.is_reference]
    truth = next((entry.record.measurements.get("reference_data_fit") for entry in cells), None)
    found = [("the reference", truth), *((e.label, e.record.measurements.get("data_fit")) for e in cells)]
    alike: dict[str, list[str]] = {}
    for whose, measured in found:
        alike.setdefault(sentence("", measured), []).append(whose)
    return [
        as_sentence(
            f"{whose[0]}'s mixture{said}" if len(whose) == 1 else f"each mixture of {listed(whose)}{said}"
        )
        for said, whose in alike.items()
        if said
    ]


def _on_moments(view: View) -> list[str]:
    found = []
    for entry in view.entries:
        verdict = entry.record.verdict
        if entry.is_reference:
            continue  # if it is compared, then with another run than all others
        if verdict is not None and verdict.decision == "undecided" and not verdict.comparisons:
            continue  # such as draws that cannot be trusted: the verdict says so
        means, agree = _means(entry, view.words)
        widths, narrow = _widths(entry)
        if not means and not widths:
            continue
        whose = f"Use {entry.label}'s {view.words}, not its intervals: they are too narrow."
        advice = f" {whose}" if agree and narrow else ""
        found.append(f"{entry.label}: {'; '.join(part for part in (means, widths) if part)}.{advice}")
    return found


def _means(entry: Entry, words: str) -> tuple[str, bool]:
    """Say whether the means (rates, ...) agree within the margin; also return whether they do.

    It is as the verdict has it, where they are judged; else by two standard errors.
    """
    verdict = entry.record.verdict
    pair = numbers_of(entry.record, "mean_error")
    if pair is None or not np.isfinite(pair[0]).any():
        return "", False
    sizes, errors = np.abs(pair[0]), pair[1]
    i = int(np.nanargmax(sizes))
    shown = f"{with_error(float(sizes[i]), float(errors[i])).plain} reference sd"
    margin = verdict.margin if verdict is not None else MARGIN
    compared = verdict.comparisons if verdict is not None else ()
    judged = [one for one in compared if one.unit == "reference sd" and one.difference in pair[0]]
    agree = (sizes + 2 * errors <= margin).all()  # NaN, what is not known, does not
    differ = (sizes - 2 * errors > margin).any()
    if judged:
        agree, differ = decide(judged) == "pass", decide(judged) == "fail"
    largest = f"the largest difference is {shown}"
    if agree:
        return f"its {words} agree with the reference ({largest}, {against('pass', f'{margin:g}')})", True
    if differ:
        beyond = against("fail", f"{margin:g}")
        return f"its {words} do not agree with the reference: one is off by {shown}, {beyond}", False
    return (
        f"whether its {words} agree with the reference cannot be told: {largest}, "
        f"{against('undecided', f'{margin:g}')}"
    ), False


def _widths(entry: Entry) -> tuple[str, bool]:
    """Say how the standard deviations compare; also return whether some are too small and none too large."""
    pair = numbers_of(entry.record, "sd_ratio")
    if pair is None or not np.isfinite(pair[0]).all() or not (pair[0] > 0).all():
        return "", False
    ratios, errors = pair
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
    """Say how far below log p(x) the best method stays."""
    gaps = [(e, pair) for e in view.entries if (pair := number_of(e.record, "evidence_gap")) is not None]
    if not gaps:
        return []
    entry, (gap, error) = min(gaps, key=lambda one: one[1][0])
    error = 0.0 if np.isnan(error) else error
    if gap < -BEYOND * error - 1e-6:
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
    alike, unlike = [], []
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
    sized = [
        (f"{name} (total variation {fixed(value, 3)}, noise floor {fixed(floor, 3)})", value)
        for name, value, floor in unlike
    ]
    far = [name for name, value in sized if value > _PREDICTIVE_MATTERS]
    near = [name for name, value in sized if value <= _PREDICTIVE_MATTERS]
    if far:
        found.append(f"New points are predicted otherwise than by the reference by {listed(far)}.")
    if near:
        found.append(
            "New points are predicted almost as by the reference, with a difference above the noise but too "
            f"small to matter, by {listed(near)}."
        )
    return found


def _on_importance(view: View) -> list[str]:
    found = [
        f"{entry.label} ({with_error(*pair).plain})"
        for entry in view.entries
        if (pair := number_of(entry.record, "importance_evidence")) is not None
        and (gauge := gauges(entry.record)) is not None
        and gauge.symmetrised_is_trusted
    ]
    if not found:
        return []
    return [
        f"log p(x) can be had in nats from importance sampling with the symmetrised q of {listed(found)}: "
        "the k-hat says that the weights can be trusted."
    ]
