"""Calibrated, flagged or undecided: what follows from ranks.

A quantity is *flagged* if any of three tests of uniformity rejects: the empirical distribution leaves its
simultaneous band (any shape), the mean is off (bias), the spread is off (width), each at the error rate over
three times the number of quantities judged (Bonferroni). It is *calibrated* only if intervals hold both
effects inside their margins, each end at the error rate: as a method passes only if all of its quantities do,
no correction is needed (an intersection-union test, Berger 1982). Anything else is *undecided*.
"""

from collections.abc import Sequence
from math import ceil, log

import numpy as np

from experiments.calibration import effects
from experiments.config.options import CalibrationOptions
from experiments.methods import label
from experiments.posterior import bands
from experiments.records.calibration import CALIBRATED, FLAGS, UNDECIDED, Effect, QuantityCalibration

TESTS = 3
"""Tests of uniformity for each quantity."""

_FEWEST = 10  # replicates, below which nothing is said
_MOST_TIMES = 100


def test_level(options: CalibrationOptions, n_judged: int) -> float:
    """Return the level of each single test, for so many judged quantities of models and methods."""
    return options.error_rate / (TESTS * max(1, n_judged))


def quantity_result(
    quantity: str, ranks: np.ndarray, level: float, options: CalibrationOptions
) -> QuantityCalibration:
    """Judge one quantity by its ranks, shape (n,), with the level of each test that `test_level` gives."""
    shift, width = effects.shift_and_width(ranks, options.error_rate)
    band_p = bands.p_value(ranks)
    findings = _findings(shift, width, band_p, level)
    decision, needs = findings[0] if findings else UNDECIDED, None
    if not findings and len(ranks) >= _FEWEST:
        needs = _needs(shift, width, len(ranks), options)
        decision = CALIBRATED if needs is None else UNDECIDED
    return QuantityCalibration(
        quantity,
        decision,
        findings,
        shift,
        width,
        band_p,
        effects.symmetry_p_value(ranks),
        effects.coverage(ranks),
        ranks,
        needs,
    )


def decision_of(quantities: Sequence[QuantityCalibration]) -> str:
    """Return a method's decision from its quantities'."""
    decisions = [one.decision for one in quantities]
    without_flags = CALIBRATED if set(decisions) == {CALIBRATED} else UNDECIDED
    return next((flag for flag in FLAGS if flag in decisions), without_flags)


def sentence_of(method: str, quantities: Sequence[QuantityCalibration]) -> str:
    """Return what there is to say of a method, for a newcomer."""
    name = label(method)
    if not quantities:
        return f"{name} gave no posterior, so that nothing can be said."
    flagged = [one for one in quantities if one.flagged]
    if flagged:
        worst = min(flagged, key=lambda one: min(one.band_p, one.shift.p_value, one.width.p_value))
        share = worst.coverage[-1]
        groups: dict[str, list[QuantityCalibration]] = {}
        for one in flagged:
            groups.setdefault(_in_words(one), []).append(one)
        what = "; ".join(f"{_listed(group)} {finding}" for finding, group in groups.items())
        return (
            f"{name} is not calibrated: {what}. Of {worst.quantity}, its 95 % intervals held "
            f"{100 * share.share:.0f} % of the truths ({100 * share.low:.0f} to {100 * share.high:.0f} %)."
        )
    undecided = [one for one in quantities if one.decision == UNDECIDED]
    if undecided:
        needs = max((one.needs or 0) for one in undecided)
        more = f" About {needs} replicates would decide." if needs else ""
        return f"{name}: nothing is found wrong, but too little is known of {_listed(undecided)}.{more}"
    return f"{name} is calibrated, within the margins, in everything that was ranked."


def overall(outcomes: Sequence[tuple[str, bool, str]]) -> tuple[str, str]:
    """Return the decision on all judged methods, and a sentence.

    Parameters
    ----------
    outcomes : sequence of (str, bool, str)
        Of every method on every model: what readers call it, whether it is judged, and whether it did
        ``pass``, ``fail`` or stays ``undecided``.
    """

    def who(is_judged: bool, *decisions: str) -> list[str]:
        found = (name for name, judged, said in outcomes if judged == is_judged and said in decisions)
        return list(dict.fromkeys(found))

    names, others = who(True, "pass", "fail", "undecided"), who(False, "fail")
    failed, undecided = who(True, "fail"), who(True, "undecided")
    beside = f" Flagged, but not judged: {_and(others)}." if others else ""
    if failed:
        return "fail", f"{_and(failed)} {_are(failed)} not calibrated.{beside}"
    if not undecided:
        return "pass", f"{_and(names)} {_are(names)} calibrated, within the margins.{beside}"
    nothing = f"Nothing is found wrong with {_and(names)}"
    return "undecided", f"{nothing}, but it is undecided for {_and(undecided)}.{beside}"


def _findings(shift: Effect, width: Effect, band_p: float, level: float) -> tuple[str, ...]:
    """Return what is wrong, the surest first.

    A shift moves the spread of the ranks too; so a width is only blamed if its interval, in which the shift
    is allowed for, leaves out 1.
    """
    found: list[tuple[float, str]] = []
    if width.p_value <= level and (width.low > 1 or width.high < 1):
        found.append((width.p_value, "over-confident" if width.value > 1 else "under-confident"))
    if shift.p_value <= level:
        found.append((shift.p_value, "biased"))
    if not found and min(band_p, width.p_value) <= level:
        found.append((min(band_p, width.p_value), "wrong shape"))
    return tuple(what for _, what in sorted(found))


def _needs(shift: Effect, width: Effect, n: int, options: CalibrationOptions) -> int | None:
    """Return about how many replicates put both intervals inside their margins; None if they are."""
    of_width = (log(width.value), log(width.low), log(width.high), log(options.width_margin))
    of_shift = (shift.value, shift.low, shift.high, options.shift_margin)
    times = 0.0
    for value, low, high, margin in (of_shift, of_width):
        if max(-low, high) > margin:
            left = max(margin - abs(value), margin / 3)  # an estimate near the margin may be chance
            times = max(times, ((high - low) / 2 / left) ** 2, 1.1)
    return None if times == 0 else ceil(n * min(times, _MOST_TIMES))


def _in_words(one: QuantityCalibration) -> str:
    words = {
        "over-confident": "too narrow",
        "under-confident": "too wide",
        "biased": "too low" if one.shift.value > 0 else "too high",
        "wrong shape": "of wrong shape",
    }
    return f"({' and '.join(words[finding] for finding in one.findings)})"


def _listed(quantities: Sequence[QuantityCalibration]) -> str:
    return _and([one.quantity for one in quantities])


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
