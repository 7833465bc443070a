"""Judge a study by the verdicts of its cells."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, isfinite

from experiments.records import Comparison, Measurement, Verdict
from experiments.verdict.questions import flat
from experiments.verdict.wording import MARGIN, against, in_words, plain, what_was_judged, widths, worst_of

_ORDER = ("pass", "undecided", "fail")
_IN_ITS_OWN_CLAUSE = ("reference sd", "log ratio")


def verdict_of_study(
    verdicts: Sequence[Verdict],
    *,
    methods: Sequence[str] = ("The method",),
    measurements: Sequence[Mapping[str, Measurement]] = (),
) -> Verdict:
    """Judge a study by the verdicts of its judged cells.

    It fails if any cell fails, else is undecided if any cell is, else passes; ``none`` if nothing was judged.

    Parameters
    ----------
    methods : sequence of str
        What the sentence calls the judged methods, such as ``CAVI``.
    measurements : sequence of mapping
        Of the judged cells, for what is told besides.
    """
    judged = [verdict for verdict in verdicts if verdict.decision != "none"]
    if not judged:
        return Verdict("none", "Nothing was judged.", MARGIN)
    names = tuple(dict.fromkeys(name for verdict in judged for name in verdict.judged))
    count = Counter(verdict.decision for verdict in judged)
    decision = next(word for word in reversed(_ORDER) if count[word])
    several, subject = len(methods) > 1, " or ".join(methods)
    what = "result" if several else "problem"
    of_all = f"{count[decision]} of {len(judged)} {what}s" if len(judged) > 1 else f"the one {what}"
    agree = f"{' and '.join(methods)} {'agree' if several else 'agrees'} with the reference"
    said = {
        "pass": f"{agree} on {of_all.replace(f'{len(judged)} of', 'all')}",
        "fail": f"{subject} does not agree with the reference on {of_all}",
        "undecided": f"Whether {subject} agrees with the reference could not be decided on {of_all}",
    }[decision]
    wrong = tuple(dict.fromkeys(clause for verdict in judged for clause in verdict.impossible))
    if wrong:
        more = f", and {len(wrong) - 1} more such findings" if len(wrong) > 1 else ""
        sentence = f"{subject} fails on {of_all}, and is wrong whatever the margins: {wrong[0]}{more}."
        return Verdict(decision, sentence, _largest_margin(judged), impossible=wrong, judged=names)
    if decision == "fail" and all(only_unfinished(one) for one in judged if one.decision == "fail"):
        sentence = f"{subject} says itself that it did not finish on {of_all}, and so fails there."
        return Verdict(decision, sentence, _largest_margin(judged), judged=names)
    open_ = [verdict.needs for verdict in judged if verdict.needs and decision == "undecided"]
    needs = "; ".join(dict.fromkeys(open_))
    clauses = (_means(judged), _widths(judged, measurements), _others(judged, decision))
    off = "; ".join(clause for clause in clauses if clause)
    sentence = (f"{said}: {off}." if off else f"{said}.") + what_was_judged(names)
    return Verdict(decision, sentence, _largest_margin(judged), needs=needs, judged=names)


def only_unfinished(verdict: Verdict) -> bool:
    """Whether a verdict is ``fail`` for no other reason than that the method did not finish."""
    compared = {one.decision for one in verdict.comparisons}
    return verdict.decision == "fail" and not verdict.impossible and bool(compared) and "fail" not in compared


def _means(judged: Sequence[Verdict]) -> str:
    """Return how far the worst posterior mean is off, and how that stands to what is allowed."""
    worst = _worst(judged, "reference sd")
    if worst is None:
        return ""
    off = f"{plain(abs(worst.difference), 2)} posterior standard deviations"
    limit = worst.margin or _largest_margin(judged)
    how = "are off by at most" if worst.decision == "pass" else "are off by up to"
    return f"posterior means {how} {off}, {against(worst.decision, f'{limit:g}')}"


def _widths(judged: Sequence[Verdict], measurements: Sequence[Mapping[str, Measurement]]) -> str:
    """Return the ratios of standard deviations, and how they stand to what is allowed, if they are judged."""
    said = widths([one.get("sd_ratio") for one in measurements])
    worst = _worst(judged, "log ratio")
    if not said or worst is None:
        return f"{said} (not judged)" if said else ""
    ratio = exp(worst.difference)
    shown = [flat(one["sd_ratio"].value) for one in measurements if one.get("sd_ratio")]
    if not any(abs(values - ratio).min(initial=1.0) < 1e-9 for values in shown):  # another than is told
        said += f"; the {worst.quantity} is {ratio:.2f} times the reference's"
    return f"{said}, {against(worst.decision, f'factor of {exp(worst.margin or 0.0):.3g}')}"


def _others(judged: Sequence[Verdict], decision: str) -> str:
    """Return what else, neither a mean nor a width, speaks against a pass; nothing if nothing does."""
    alike = [one for verdict in judged for one in verdict.comparisons if one.decision == decision != "pass"]
    other = [one for one in alike if one.unit not in _IN_ITS_OWN_CLAUSE]
    return in_words(worst_of(other), other, "") if other else ""


def _worst(judged: Sequence[Verdict], unit: str) -> Comparison | None:
    """Return the comparison in this unit that is furthest off, of those with the worst decision; or None."""
    compared = [one for verdict in judged for one in verdict.comparisons if one.unit == unit]
    finite = [one for one in compared if isfinite(one.difference)]
    return max(finite, key=lambda one: (_ORDER.index(one.decision), abs(one.difference)), default=None)


def _largest_margin(judged: Sequence[Verdict]) -> float:
    margins = [verdict.margin for verdict in judged if isfinite(verdict.margin)]
    return max(margins, default=MARGIN)
