"""The report of `elbowroom check`: one offline HTML page, with the verdict first and every question below."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.checks import BOUND, Decision, Report, Result
from experiments.checks.suite import CHECKS, SIZES
from experiments.engine.fingerprint import versions
from experiments.engine.store.files import write_whole
from experiments.report.conclusions.ranking import listed
from experiments.report.pages.base import Badged, fill_html
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown
from hand_cavi import InputError

TITLES = {"elbo": "ELBO", "symmetry": "Symmetry and limits", "fixed_point": "Fixed point"}
ABOUT = {
    "density": "Draws of each factor's sampler are compared with its log density by Metropolis steps, and "
    "the integral of that density with one.",
    "definition": "At random states, ln q of each updated factor and the expectation of ln p(x, z) over the "
    "other factors may differ by a constant only.",
    "elbo": "The bound at random states, and each of its terms whose name says what it is, is compared with "
    "its definition, an expectation over draws of q.",
    "ascent": "From random states and in random order, no update of a single factor may lower the bound.",
    "stationarity": "After a factor's update, the bound's slope in every parameter of it must be zero.",
    "symmetry": "The same model told in another way must have the same bound, and in special cases q must be "
    "the exact posterior.",
    "fixed_point": "From where coordinate ascent ends, a numerical optimiser of the bound must gain nothing.",
    "overflow": "Where a parameter of one factor is far off, the updates of others must give numbers.",
}
"""What each check does, in one sentence."""

_WORDS = {
    Decision.FAILED: "fail",
    Decision.UNDECIDED: "undecided",
    Decision.PASSED: "pass",
    Decision.SKIPPED: "none",
}
"""The style sheet's class for a decision, the worst first."""
_ALL = "all factors"


Said = dict[str, Any]
"""What the template says of one derivation, or of one check of it."""


def write_check_page(reports: Mapping[str, Report], path: Path, *, seed: int) -> None:
    """Write the page, whole or not at all, of one report or more by the derivations' names.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    text = render(reports, seed=seed)
    try:
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror}; choose another file') from None


def render(reports: Mapping[str, Report], *, seed: int) -> str:
    """Return the page as text; writes nothing."""
    sections = [_section(name, report, i) for i, (name, report) in enumerate(reports.items(), start=1)]
    mark, sentence = _overall(sections)
    name = sections[0]["name"] if len(sections) == 1 else f"{len(sections)} derivations"
    return fill_html(
        "check",
        name=name,
        mark=mark,
        word=_word(mark),
        sentence=sentence,
        sections=sections,
        rate=f"{100 * max(report.false_alarm_rate for report in reports.values()):g}",
        sizes=[numbers.thousands(str(size)) for size in SIZES],
        seed=seed,
        versions=versions(),
        styles={},
    )


def verdict(report: Report) -> tuple[str, str]:
    """Return the style sheet's class for a report as a whole, and the verdict in one sentence."""
    if report.faults:
        known = {result.factor for result in report.results} - {BOUND, _ALL}
        names = dict.fromkeys(fault.factor for fault in report.faults)
        wrong = listed([f"q({name})" if name in known else name for name in names])
        return "fail", f"Something is wrong with {wrong}."
    asked = [result for result in report.results if result.decision is not Decision.SKIPPED]
    open_ = sum(result.decision is Decision.UNDECIDED for result in asked)
    if open_:
        return "undecided", (
            f"Nothing wrong was found, but the draws could not decide {open_} of {len(asked)} questions."
        )
    skipped = len(report.results) - len(asked)
    left_out = f"; {skipped} more could not be asked" if skipped else ""
    return "pass", f"Nothing wrong was found: {len(asked)} questions were answered{left_out}."


def _overall(sections: Sequence[Said]) -> tuple[str, str]:
    verdicts: list[Badged] = [section["verdict"] for section in sections]
    if len(verdicts) == 1:
        return verdicts[0].mark, verdicts[0].sentence
    wrong, open_ = (sum(one.mark == mark for one in verdicts) for mark in ("fail", "undecided"))
    if wrong:
        return "fail", f"Something is wrong with {wrong} of {len(sections)} derivations."
    if open_:
        return "undecided", (
            f"Nothing wrong was found in {len(sections)} derivations, but of {open_} not everything could "
            "be decided."
        )
    return "pass", f"Nothing wrong was found in {len(sections)} derivations."


def _section(name: str, report: Report, number: int) -> Said:
    mark, sentence = verdict(report)
    owners = list(dict.fromkeys(result.factor for result in report.results))
    factors = [owner for owner in owners if owner not in (BOUND, _ALL)]
    columns = [*((factor,) for factor in factors), (BOUND, _ALL)]
    return Said(
        anchor=f"derivation-{number}",
        name=name,
        verdict=Badged(mark, sentence, _word(mark)),
        faults=tuple(_typeset(fault.message) for fault in report.faults),
        columns=(*factors, "the whole"),
        rows=tuple(_row(check, report.results, columns, number) for check in CHECKS),
        seconds=numbers.seconds_text(report.seconds),
    )


def _word(mark: str) -> str:
    return {"pass": "passed", "fail": "wrong"}.get(mark, mark)


def _row(check: str, results: Sequence[Result], columns: Sequence[tuple[str, ...]], number: int) -> Said:
    own = [result for result in results if result.check == check]
    return Said(
        anchor=f"check-{number}-{check}",
        title=TITLES.get(check, check.capitalize()),
        about=ABOUT[check],
        entries=tuple(_entry([result for result in own if result.factor in column]) for column in columns),
        findings=tuple(
            Badged(_WORDS[r.decision], _typeset(r.sentence), r.decision.value, _numbers(r)) for r in own
        )
        or (Badged("none", "What was found before stopped this check.", "not run"),),
    )


def _entry(results: Sequence[Result]) -> Shown:
    """Return one entry for several questions: the worst decision, and its largest effect."""
    if not results:
        return Shown("")
    worst = next(d for d in _WORDS if any(result.decision is d for result in results))
    alike = [result for result in results if result.decision is worst]
    size = max((s for result in alike if (s := _size(result)) is not None), default=None)
    effect = "" if size is None else f"{'' if worst is Decision.FAILED else '≤ '}{_short(size)}"
    return Shown(worst.value, effect, mark=_WORDS[worst])


def _size(result: Result) -> float | None:
    """Return how wrong it is, or how wrong it may be; None where only rounding is left, or there is none."""
    if result.decision is Decision.FAILED:
        return None if result.effect is None else abs(result.effect)
    return result.error_bound if result.draws else None


def _numbers(result: Result) -> tuple[str, ...]:
    """Return effect, p and draws in one note, as far as there are any."""
    parts = []
    if result.decision is Decision.FAILED and result.effect is not None and result.draws:
        parts.append(f"effect {_short(result.effect)} {result.unit}")
    if result.p_value in (0, 1):  # nothing was left to chance
        parts.append("no noise")
    elif result.p_value is not None:
        small = result.p_value < 1e-4
        parts.append("p < 0.0001" if small else f"p = {numbers.fixed(result.p_value, 4)}")
    if result.draws:
        parts.append(f"{numbers.thousands(str(result.draws))} draws")
    return (f"{', '.join(parts)}.",) if parts else ()


def _short(value: float) -> str:
    """Return two digits, what is only rounding as a power of ten, and infinity as a word."""
    if not math.isfinite(value):
        return "∞"
    if 0 < abs(value) < 1e-3:
        exponent = str(math.ceil(math.log10(abs(value))))
        return f"10{exponent.translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    return numbers.thousands(numbers.typeset(f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"))


def _typeset(sentence: str) -> str:
    """Return a sentence with true minus signs, and powers of ten for 1e-7."""
    sentence = re.sub(r"\b\d(\.\d+)?e-\d+", lambda found: _short(float(found[0])), sentence)
    return numbers.typeset(sentence)
