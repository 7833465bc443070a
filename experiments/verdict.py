"""Judge whether a method's posterior means agree with the reference, within a stated margin.

An equivalence test (Schuirmann 1987; Wellek 2010) for each sorted mean, on the difference in reference
standard deviations. Its interval holds the true difference except with probability alpha / m, alpha being
the error rate and m the number of quantities (Bonferroni), so that all intervals hold at once with
probability 1 - alpha at least:

    every interval inside [-margin, margin]         pass: a larger difference would rarely look like this
    some interval wholly outside                    fail: a difference within the margin would rarely
    else                                            undecided: more draws would be needed

Nothing passes or fails against a reference that does not qualify, and a method that did not finish does not
pass. The margin and the error rate are conventions of this project.
"""

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from statistics import NormalDist

import numpy as np

from experiments.records import Comparison, Measurement, Reference, Verdict
from hand_cavi import InputError

MARGIN = 0.25
"""In reference standard deviations."""

ALPHA = 0.01
"""The probability that some interval of a verdict misses, at most."""

FINISHED = ("converged", "sampled")
"""The outcomes of methods that reached their end."""


def verdict_of_cell(
    mean_error: Measurement,
    reference: Reference,
    *,
    method: str,
    outcome: str,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    quantity: str = "mean",
    entries: Sequence[str] = (),
) -> Verdict:
    """Judge one method's sorted means.

    Parameters
    ----------
    mean_error : Measurement
        The metric of that name: differences in reference sds with standard errors.
    reference : Reference
    method : str
        What the sentence calls the method, such as ``cavi``.
    outcome : str
        The method's own word; see `MethodResult`.
    margin : float
        The largest difference that counts as agreement, in reference sds.
    alpha : float
        The error rate: the probability that some interval misses the true difference, at most.
    quantity, entries
        See `compare`.

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        If the margin is not above zero, or alpha is not between 0 and 1.
    """
    _check(margin, alpha)
    if not reference.qualified:
        return Verdict(
            "undecided",
            f"Nothing can be said about {method}: there is no reference ({reference.reason}).",
            margin,
        )
    if mean_error.value is None or mean_error.standard_error is None:
        return Verdict("undecided", f"{method} could not be compared: {mean_error.note}.", margin)

    comparisons = compare(mean_error, margin=margin, alpha=alpha, quantity=quantity, entries=entries)
    decision = decide(comparisons)
    sentence = _sentence(decision, comparisons, method, _truth(reference), margin, quantity)
    if outcome not in FINISHED:
        if decision == "pass":
            decision = "undecided"
            sentence = sentence.replace(" agrees ", " so far agrees ", 1)
        sentence += f" But {method} did not finish (its outcome is '{outcome}'), so it cannot pass."
    return Verdict(decision, sentence, margin, comparisons)


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
    return Verdict(decision, said + _worst_of(judged), _largest_margin(judged))


def _worst_of(judged: Sequence[Verdict]) -> str:
    """Return the end of a study's sentence: how far the worst posterior mean is off."""
    compared = [one for verdict in judged for one in verdict.comparisons if isfinite(one.difference)]
    if not compared:
        return "."
    worst = max(abs(one.difference) for one in compared)
    return (
        f": its posterior means are off by at most {worst:.2f} posterior standard deviations, "
        f"where {_largest_margin(judged):g} is allowed."
    )


def _largest_margin(judged: Sequence[Verdict]) -> float:
    margins = [verdict.margin for verdict in judged if np.isfinite(verdict.margin)]
    return max(margins, default=MARGIN)


def compare(
    mean_error: Measurement,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    quantity: str = "mean",
    entries: Sequence[str] = (),
) -> tuple[Comparison, ...]:
    """Return one comparison for each difference of the measurement, (K,) or (K, L).

    Parameters
    ----------
    mean_error : Measurement
    margin, alpha : float
    quantity : str
        What is sorted: ``mean``, ``rate``, ``probability``.
    entries : sequence of str
        What the L entries of a component are called; "feature 1", ... if not given.
    """
    differences = np.asarray(mean_error.value, dtype=np.float64)
    errors = np.asarray(mean_error.standard_error, dtype=np.float64)
    half_width = NormalDist().inv_cdf(1 - alpha / differences.size / 2) * errors
    comparisons = []
    for index in np.ndindex(differences.shape):
        difference = float(differences[index])
        low, high = difference - float(half_width[index]), difference + float(half_width[index])
        if -margin <= low and high <= margin:
            decision = "pass"
        elif low > margin or high < -margin:
            decision = "fail"
        else:
            decision = "undecided"
        name = f"sorted {quantity} {index[0] + 1}"
        name += "".join(f", {entries[i] if entries else f'feature {i + 1}'}" for i in index[1:])
        comparisons.append(Comparison(name, difference, float(errors[index]), low, high, decision))
    return tuple(comparisons)


def decide(comparisons: Sequence[Comparison]) -> str:
    """Return ``fail`` if any comparison fails, ``pass`` if all pass, else ``undecided``."""
    decisions = {comparison.decision for comparison in comparisons}
    if "fail" in decisions:
        return "fail"
    return "pass" if decisions == {"pass"} else "undecided"


def _sentence(
    decision: str,
    comparisons: Sequence[Comparison],
    method: str,
    truth: str,
    margin: float,
    quantity: str,
) -> str:
    worst = max(comparisons, key=lambda one: abs(one.difference))
    said = {
        "pass": f"{method} agrees with {truth}",
        "fail": f"{method} does not agree with {truth}",
        "undecided": f"It is undecided whether {method} agrees with {truth}",
    }[decision]
    number = (
        f"its only {quantity}" if len(comparisons) == 1 else f"the largest of {len(comparisons)} differences"
    )
    return (
        f"{said}: {number} ({worst.quantity}) is off by {abs(worst.difference):.3f} posterior standard "
        f"deviations, give or take {(worst.high - worst.low) / 2:.3f}, and {margin:g} is allowed."
    )


def _truth(reference: Reference) -> str:
    return "the long NUTS run" if reference.method == "nuts" else f"the exact answer (by {reference.method})"


def _check(margin: float, alpha: float) -> None:
    if not (np.isfinite(margin) and margin > 0):
        raise InputError(f"margin is {margin!r}; it must be above zero, in reference standard deviations")
    if not 0 < alpha < 1:
        raise InputError(f"the error rate is {alpha!r}; it must be between 0 and 1")
