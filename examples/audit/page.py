"""The findings as tables, and their place in the page."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from examples.audit.measures import Ascent, Finding, Updates, Widths

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
WIDER = 0.05
"""Widths that differ by more than this share from those of our own fit are shown in bold."""

HEAD = ("| model | reading | bound less true ELBO | updates | true ELBO | sd over exact |", "|---" * 6 + "|")


def written(text: str, content: str) -> str:
    """Return a page with its tables replaced."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{rest.split(END)[1]}"


def bound_words(a: Ascent) -> str:
    """Say whether a bound is the bound."""
    if a.drift > a.rounding:
        return f"**moves by {a.drift:.2g}**"
    first = next(iter(a.gap.values()))
    return "0" if abs(first) <= a.rounding else f"constant, {first:.3f}"


def update_words(u: Updates) -> str:
    """Say which updates are not optimal."""
    if u.ours:
        return "our own bound is wrong"
    wrong = [f"**{factor}** off by {u.effect[factor]:.2g}" for factor, said in u.said.items() if said]
    return "; ".join(wrong) or ("undecided" if u.undecided else "optimal")


def ascent_words(a: Ascent) -> str:
    """Say whether the true bound falls."""
    return f"**falls** by {a.fall:.2g} ({a.falling} of {a.of})" if a.falling else "never falls"


def width_words(w: Widths) -> str:
    """Say how wide q is: what differs from ours, ours in brackets, or all of it where nothing does."""
    far = [
        f"**{name} {theirs:.2f}** ({w.ours[name]:.2f})"
        for name, theirs in w.theirs.items()
        if abs(np.log(theirs / w.ours[name])) > WIDER
    ]
    least, most = (f"{end(w.theirs.values()):.2f}" for end in (min, max))
    return ", ".join(far) or ("as ours, " + (least if least == most else f"{least} to {most}"))


def row(found: Finding) -> str:
    """Return one line of a table."""
    cells = (
        found.subject.model, found.subject.reading, bound_words(found.ascent), update_words(found.updates),
        ascent_words(found.ascent), width_words(found.widths),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def tables(findings: Sequence[Finding]) -> str:
    """Return a table for each library, with its version."""
    parts = []
    for library in dict.fromkeys(found.subject.library for found in findings):
        rows = [row(found) for found in findings if found.subject.library == library]
        parts.append("\n".join([f"**{library} {version(library)}**", "", *HEAD, *rows]))
    return "\n\n".join(parts)


def write(findings: Sequence[Finding]) -> None:
    """Put the tables into the page."""
    PAGE.write_text(written(PAGE.read_text("utf-8"), tables(findings)), encoding="utf-8")
