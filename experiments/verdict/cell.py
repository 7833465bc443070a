"""Judge one method's result on one problem: three questions, see `experiments.verdict`."""

from collections.abc import Collection, Mapping, Sequence

from experiments.config.options import VerdictOptions
from experiments.records import Comparison, Measurement, Reference, Verdict
from experiments.verdict.equivalence import Need, compare
from experiments.verdict.impossible_bounds import (
    ERROR_OF_BOUND,
    N_ERRORS,
    doubt_about_bound,
    impossibilities,
    number,
)
from experiments.verdict.questions import questions_of
from experiments.verdict.wording import called, names_judged, remarks, sentence_of, what_was_judged

FINISHED = ("converged", "sampled")
"""The outcomes of methods that reached their end."""

STUCK = ("saddle",)
"""The outcomes of methods that no longer run would help."""

UNSURE = ("undecided",)
"""The outcomes of methods whose bound is too noisy to tell whether they reached their end."""

_FAULT = "Its derivation or its code has a fault."


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
    estimated: Collection[str] = (),
    unstated: Sequence[str] = (),
) -> Verdict:
    """Judge one method's result on one problem.

    Parameters
    ----------
    measurements : mapping of str to Measurement
        By metric name; a metric that is not there is not looked at, unless it is to be judged.
    method, outcome : str
        What the sentence calls the method, such as ``CAVI``; the method's own word, see `MethodResult`.
    faults, unstated : sequence of str
        Clauses: what keeps the method's figures from being trusted, such as chains that do not agree; what
        cannot be decided because the method does not state it.
    quantity, entries : str, sequence of str
        What is sorted in a mixture (``mean``, ``rate``, ``probability``), and what a component's entries are
        called, L of them; "feature 1", ... if not given.
    estimated : collection of str
        See `experiments.verdict.impossible_bounds.impossibilities`.
    """
    options = options or VerdictOptions()
    questions, missing = questions_of(measurements, options, quantity=quantity, entries=entries)
    comparisons: tuple[Comparison, ...] = ()
    need = Need()
    if reference.qualified and questions and not faults:
        comparisons, need = compare(questions, alpha=options.error_rate)

    names = names_judged(measurements, options) if comparisons else ()
    evidence = reference.log_evidence if reference.qualified else None
    wrong = impossibilities(measurements, evidence, estimated)
    if wrong:
        sentence = f"{method} is wrong, whatever the margins: {'; '.join(wrong)}. {_FAULT}"
        return Verdict("fail", sentence, options.margin, comparisons, impossible=wrong, judged=names)
    if not reference.qualified:
        sentence = f"Nothing can be said about {method}: there is no reference ({reference.reason})."
        return Verdict("undecided", sentence, options.margin, needs="a reference that qualifies")
    if faults:
        sentence = f"Nothing can be said about {method}: its draws cannot be trusted ({'; '.join(faults)})."
        return Verdict("undecided", sentence, options.margin, needs=f"a longer run of {method}")
    if missing and decide(comparisons) != "fail":
        sentence = f"{method} could not be compared: {'; '.join(missing)}."
        return Verdict("undecided", sentence, options.margin, comparisons, judged=names)

    decision, needs = decide(comparisons), str(need)
    sentence = sentence_of(decision, comparisons, method, called(reference), quantity)
    if needs and decision == "undecided":
        sentence += f" It would take {needs}." if needs.startswith("about") else f" But {needs}."
    sentence += remarks(measurements, options) + what_was_judged(names)
    sentence += f" Not decided: {'; '.join(unstated)}." if unstated else ""
    end = ""
    if outcome not in FINISHED:
        decision, end = _unfinished(decision, method, outcome)
    elif left := _left(measurements):
        decision = "fail"
        end = f" But {method} is not at its end, as it says: {left}. So it fails: let it run longer."
    elif decision == "pass" and (doubt := doubt_about_bound(measurements)):
        decision = "undecided"
        end = f" But {doubt}, so that {method} cannot pass."
        needs = f"a bound of {method} that says which it is, with an error below {ERROR_OF_BOUND:g} nats"
    if end:
        sentence = sentence.replace(" agrees ", " so far agrees ", 1) + end
        needs = needs or f"a longer run of {method}"
    needs = needs if decision == "undecided" else ""
    return Verdict(decision, sentence, options.margin, comparisons, needs, judged=names)


def _unfinished(decision: str, method: str, outcome: str) -> tuple[str, str]:
    """Return the decision on a method that did not reach its end, and the end of its sentence.

    What says of itself that it has not converged is not to be relied upon, however near it has come: it
    fails. What cannot tell (`UNSURE`) does not pass.
    """
    said = f"its outcome is '{outcome}'"
    advice = "start it elsewhere" if outcome in STUCK else "let it run longer"
    if outcome not in UNSURE:
        return "fail", f" But {method} says itself that it did not finish ({said}), and so fails: {advice}."
    end = f" But {method} cannot tell whether it has converged ({said}), so it cannot pass: {advice}."
    return "undecided" if decision == "pass" else decision, end


def _left(measurements: Mapping[str, Measurement]) -> str:
    """Return what is left to a method beyond doubt and beyond what matters, as a clause; empty if nothing."""
    for name in ("step_gain", "update_gain"):
        measurement = measurements.get(name)
        gain, most = number(measurement), measurement and measurement.threshold
        if gain and most and gain[0] - N_ERRORS * gain[1] > most.value:
            by = f"{gain[0]:.2g} ± {gain[1]:.1g}"
            return f"one step on from its q gains {by} nats, and {most.value:g} may be left"
    return ""


def decide(comparisons: Sequence[Comparison]) -> str:
    """Return ``fail`` if any comparison fails, ``pass`` if all pass, else ``undecided``."""
    decisions = {comparison.decision for comparison in comparisons}
    if "fail" in decisions:
        return "fail"
    return "pass" if decisions == {"pass"} else "undecided"
