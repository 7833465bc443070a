"""Judge a study by the verdicts of its cells."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite

from experiments.records import Verdict
from experiments.verdict.wording import MARGIN, plain


def verdict_of_study(verdicts: Sequence[Verdict], *, methods: Sequence[str] = ("The method",)) -> Verdict:
    """Judge a study by the verdicts of its judged cells.

    It fails if any cell fails, else is undecided if any cell is, else passes; ``none`` if nothing was judged.

    Parameters
    ----------
    methods : sequence of str
        What the sentence calls the judged methods, such as ``CAVI``.
    """
    judged = [verdict for verdict in verdicts if verdict.decision != "none"]
    if not judged:
        return Verdict("none", "Nothing was judged.", MARGIN)
    count = Counter(verdict.decision for verdict in judged)
    decision = next(word for word in ("fail", "undecided", "pass") if count[word])
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
        return Verdict(decision, sentence, _largest_margin(judged), impossible=wrong)
    if decision == "fail" and all(only_unfinished(one) for one in judged if one.decision == "fail"):
        sentence = f"{subject} says itself that it did not finish on {of_all}, and so fails there."
        return Verdict(decision, sentence, _largest_margin(judged))
    needs = _needs_of(judged) if decision == "undecided" else ""
    return Verdict(decision, said + _worst_of(judged), _largest_margin(judged), needs=needs)


def only_unfinished(verdict: Verdict) -> bool:
    """Whether a verdict is ``fail`` for no other reason than that the method did not finish."""
    compared = {one.decision for one in verdict.comparisons}
    return verdict.decision == "fail" and not verdict.impossible and bool(compared) and "fail" not in compared


def _worst_of(judged: Sequence[Verdict]) -> str:
    """Return the end of a study's sentence: how far the worst posterior mean is off."""
    compared = [
        one
        for verdict in judged
        for one in verdict.comparisons
        if isfinite(one.difference) and one.unit == "reference sd"
    ]
    if not compared:
        return "."
    worst = max(abs(one.difference) for one in compared)
    return (
        f": its posterior means are off by at most {plain(worst, 2)} posterior standard deviations, where "
        f"{_largest_margin(judged):g} is allowed."
    )


def _needs_of(judged: Sequence[Verdict]) -> str:
    return "; ".join(dict.fromkeys(verdict.needs for verdict in judged if verdict.needs))


def _largest_margin(judged: Sequence[Verdict]) -> float:
    margins = [verdict.margin for verdict in judged if isfinite(verdict.margin)]
    return max(margins, default=MARGIN)
