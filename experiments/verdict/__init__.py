"""Judge whether a method's posterior agrees with the reference, within stated margins.

Three questions, in this order:

1. Does the method show what no correct method can (`impossible`)? Then it fails, even without
   a reference.
2. Is there a reference that qualifies, and has the method figures that can be trusted? If not,
   nothing passes and nothing else fails.
3. Is every judged quantity within its margin, by equivalence tests at one error rate
   (`equivalence`)? All inside: pass. One wholly outside: fail. Else undecided, with the draws
   that would decide it. A method that says itself that it did not finish fails even if it agrees so far.

Which quantities are judged, their margins and the error rate are conventions of this project and stand in
the configuration (`VerdictOptions`). Those not judged are measured and reported all the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, isfinite

import numpy as np

from experiments.config.options import VerdictOptions
from experiments.records import Comparison, Measurement, Reference, Verdict
from experiments.verdict.equivalence import Need, compare
from experiments.verdict.impossible import N_ERRORS, impossibilities, number
from experiments.verdict.quantities import questions_of

FINISHED = ("converged", "sampled")
"""The outcomes of methods that reached their end."""

UNSURE = ("undecided",)
"""The outcomes of methods whose bound is too noisy to tell whether they reached their end."""

MARGIN = VerdictOptions().margin

_TRUTHS = {
    "nuts": "the long NUTS run",
    "gibbs": "the long Gibbs run",
    "smc": "the SMC runs",
    "importance": "importance sampling",
}
"""What sentences call references that are not exact."""

_FAULT = "Its derivation or its code has a fault."

_WORSE_OPTIMUM = 0.1
"""Nats below the best known optimum from which a sentence tells it."""


def verdict_of_cell(
    measurements: Mapping[str, Measurement],
    reference: Reference,
    *,
    method: str,
    outcome: str,
    options: VerdictOptions | None = None,
    faults: Sequence[str] = (),
    quantity: str = "mean",
    entries: Sequence[str] = (),
) -> Verdict:
    """Judge one method's result on one problem.

    Parameters
    ----------
    measurements : mapping of str to Measurement
        By metric name; a metric that is not there is not looked at, unless it is to be judged.
    reference : Reference
    method : str
        What the sentence calls the method, such as ``CAVI``.
    outcome : str
        The method's own word; see `MethodResult`.
    options : VerdictOptions, optional
        What is judged, by which margins and at which error rate.
    faults : sequence of str
        What keeps the method's own figures from being trusted, such as chains that do not agree.
    quantity : str
        What is sorted: ``mean``, ``rate``, ``probability``.
    entries : sequence of str
        What the L entries of a component are called; "feature 1", ... if not given.

    Returns
    -------
    Verdict
    """
    options = options or VerdictOptions()
    questions, missing = questions_of(measurements, options, quantity=quantity, entries=entries)
    comparisons: tuple[Comparison, ...] = ()
    need = Need()
    if reference.qualified and questions and not faults:
        comparisons, need = compare(questions, alpha=options.error_rate)

    wrong = impossibilities(measurements, reference.log_evidence if reference.qualified else None)
    if wrong:
        sentence = f"{method} is wrong, whatever the margins: {'; '.join(wrong)}. {_FAULT}"
        return Verdict("fail", sentence, options.margin, comparisons, impossible=wrong)
    if not reference.qualified:
        sentence = f"Nothing can be said about {method}: there is no reference ({reference.reason})."
        return Verdict("undecided", sentence, options.margin, needs="a reference that qualifies")
    if faults:
        sentence = f"Nothing can be said about {method}: its draws cannot be trusted ({'; '.join(faults)})."
        return Verdict("undecided", sentence, options.margin, needs=f"a longer run of {method}")
    if missing and decide(comparisons) != "fail":
        sentence = f"{method} could not be compared: {'; '.join(missing)}."
        return Verdict("undecided", sentence, options.margin, comparisons)

    decision, needs = decide(comparisons), str(need)
    sentence = _sentence(decision, comparisons, method, _truth(reference), quantity)
    if needs and decision == "undecided":
        sentence += f" It would take {needs}." if needs.startswith("about") else f" But {needs}."
    sentence += _remarks(measurements, options)
    end = ""
    if outcome not in FINISHED:
        decision, end = unfinished(decision, method, outcome, f"its outcome is '{outcome}'")
    elif left := _left(measurements):
        decision = "fail"
        end = f" But {method} is not at its end, as it says: {left}. So it fails: let it run longer."
    if end:
        sentence = sentence.replace(" agrees ", " so far agrees ", 1) + end
        needs = needs or f"a longer run of {method}"
    return Verdict(decision, sentence, options.margin, comparisons, needs if decision == "undecided" else "")


def unfinished(decision: str, method: str, outcome: str, said: str) -> tuple[str, str]:
    """Return the decision on a method that did not reach its end, and the end of its sentence.

    What says of itself that it has not converged is not to be relied upon, however near it has come: it
    fails. What cannot tell (`UNSURE`) does not pass.

    Parameters
    ----------
    decision : str
        By its figures alone.
    method, outcome : str
    said : str
        How the method told it, as a clause.
    """
    if outcome in UNSURE:
        end = f" But {method} cannot tell whether it has converged ({said}), so it cannot pass"
        decision = "undecided" if decision == "pass" else decision
    else:
        end = f" But {method} says itself that it did not finish ({said}), and so fails"
        decision = "fail"
    return decision, f"{end}: let it run longer."


def _left(measurements: Mapping[str, Measurement]) -> str:
    """Return what is left to a method beyond doubt and beyond what matters, as a clause; empty if nothing."""
    measurement = measurements.get("step_gain")
    gain = number(measurement)
    if measurement is None or measurement.threshold is None or gain is None:
        return ""
    if gain[0] - N_ERRORS * gain[1] <= measurement.threshold.value:
        return ""
    return (
        f"one step on from its q gains {gain[0]:.2g} ± {gain[1]:.1g} nats, "
        f"and {measurement.threshold.value:g} may be left"
    )


def only_unfinished(verdict: Verdict) -> bool:
    """Whether a verdict is ``fail`` for no other reason than that the method did not finish."""
    compared = {one.decision for one in verdict.comparisons}
    return verdict.decision == "fail" and not verdict.impossible and bool(compared) and "fail" not in compared


def verdict_of_study(verdicts: Sequence[Verdict], *, subject: str = "The method") -> Verdict:
    """Judge a study by the verdicts of its judged cells.

    It fails if any cell fails, else is undecided if any cell is, else passes; ``none`` if nothing was judged.

    Parameters
    ----------
    verdicts : sequence of Verdict
    subject : str
        What the sentence calls the judged methods, such as ``CAVI``.
    """
    judged = [verdict for verdict in verdicts if verdict.decision != "none"]
    if not judged:
        return Verdict("none", "Nothing was judged.", MARGIN)
    count = Counter(verdict.decision for verdict in judged)
    decision = next(word for word in ("fail", "undecided", "pass") if count[word])
    of_all = f"{count[decision]} of {len(judged)} problems" if len(judged) > 1 else "the one problem"
    said = {
        "pass": f"{subject} agrees with the reference on {of_all.replace(f'{len(judged)} of', 'all')}",
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


def decide(comparisons: Sequence[Comparison]) -> str:
    """Return ``fail`` if any comparison fails, ``pass`` if all pass, else ``undecided``."""
    decisions = {comparison.decision for comparison in comparisons}
    if "fail" in decisions:
        return "fail"
    return "pass" if decisions == {"pass"} else "undecided"


def _sentence(
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
            f"{exp(one.low):.2f} and {exp(one.high):.2f}), and a factor of {exp(margin):.3g} is allowed"
        )
    if one.unit == "reference sd":
        return (
            f"{_which(one, comparisons, quantity)} is off by {abs(one.difference):.3f} posterior standard "
            f"deviations, give or take {half:.3f}, and {margin:g} is allowed"
        )
    unit = " nats" if one.unit == "nats" else ""
    size = f"{one.difference:.3f}{unit}, give or take {half:.3f}"
    return f"the {one.quantity} is {size}, and {margin:g} is allowed"


def _which(one: Comparison, comparisons: Sequence[Comparison], quantity: str) -> str:
    alike = [other for other in comparisons if other.unit == one.unit]
    if len(alike) == 1:
        return f"its only {quantity} ({one.quantity})"
    largest = all(abs(other.difference) <= abs(one.difference) for other in alike)
    return f"{'the largest' if largest else 'one'} of {len(alike)} differences ({one.quantity})"


def _remarks(measurements: Mapping[str, Measurement], options: VerdictOptions) -> str:
    """Return what a reader of a verdict should know beside it, in sentences that begin with a space."""
    said = ""
    ratios = measurements.get("sd_ratio")
    if ratios is not None and isinstance(ratios.value, list):
        flat = np.asarray(ratios.value, dtype=np.float64)
        span = f"{flat.min():.2f} to {flat.max():.2f} times the reference's"
        rule = f"judged within a factor of {options.sd_factor:g}" if "sds" in options.judge else "not judged"
        said += f" Its standard deviations are {span} ({rule})."
    below = _below_the_best(measurements.get("error_decomposition"))
    if below > _WORSE_OPTIMUM:
        said += f" It sits at a worse optimum: the best known bound is {below:.2f} nats higher."
    return said


def _below_the_best(parts: Measurement | None) -> float:
    """Return how many nats the best known optimum is higher, 0 where its errors could explain that."""
    if parts is None or "optimum" not in parts.entries:
        return 0.0
    assert isinstance(parts.value, list) and isinstance(parts.standard_error, list)
    i = parts.entries.index("optimum")
    below, error = parts.value[i], parts.standard_error[i]
    return below if isfinite(below) and below > 3 * error else 0.0


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
        f": its posterior means are off by at most {worst:.2f} posterior standard deviations, "
        f"where {_largest_margin(judged):g} is allowed."
    )


def _needs_of(judged: Sequence[Verdict]) -> str:
    return "; ".join(dict.fromkeys(verdict.needs for verdict in judged if verdict.needs))


def _largest_margin(judged: Sequence[Verdict]) -> float:
    margins = [verdict.margin for verdict in judged if isfinite(verdict.margin)]
    return max(margins, default=MARGIN)


def _truth(reference: Reference) -> str:
    return _TRUTHS.get(reference.method, f"the exact answer (by {reference.method})")
