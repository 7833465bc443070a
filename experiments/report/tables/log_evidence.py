"""Two small tables about log p(x): what others say it is, and where a method's gap to it comes from."""

from collections.abc import Mapping
from math import hypot, isfinite

import numpy as np

from experiments.records import Estimate
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.table import Column, Row, Table
from experiments.report.view import View, entries_of


def distance(one: Estimate, other: Estimate) -> float | None:
    """Return how many standard errors two estimates lie apart; None where neither has an error."""
    error = hypot(one.standard_error, other.standard_error)
    return (one.value - other.value) / error if error > 0 and isfinite(error) else None


def opinions_table(view: View) -> Table | None:
    """Return the opinions on log p(x), the reference's first, and its bounds; None if there is one alone."""
    reference = view.record.reference
    if not reference.opinions and reference.bracket is None:
        return None
    first = reference.evidence
    rows = []
    for estimate in (first, *reference.opinions):
        if estimate is None:
            continue
        apart = None if first is None or estimate is first else distance(estimate, first)
        entries = (
            numbers.with_error(estimate.value, estimate.standard_error),
            missing() if apart is None else Shown(numbers.fixed(apart, 1, sign=True)),
            Shown(said(estimate.quality), numeric=False),
        )
        rows.append(Row(estimate.method, entries))
    if (bracket := reference.bracket) is not None:
        bounds = (("at least", bracket.lower, ""), ("at most", bracket.upper, ", all from one exact draw"))
        for word, bound, more in bounds:
            trust = numbers.typeset(
                f"in expectation: {bracket.chains} chains, {bracket.temperatures:,} temperatures{more}"
            )
            figure = numbers.with_error(bound.value, bound.standard_error)
            rows.append(Row(f"{word}, {bound.method}", (figure, missing(), Shown(trust, numeric=False))))
    columns = (
        Column("log p(x)", "nats ± s.e."),
        Column("From the first", "in s.e." if first is not None else "no reference"),
        Column("How far to trust it", numeric=False),
    )
    return Table(
        "Opinions on log p(x), each by a way of its own"
        + (", the reference's first" if reference.qualified else ", none of them leant on"),
        columns,
        tuple(rows),
        first="By",
    )


_PHRASES = {
    "k_hat": "k-hat {:.2f}",
    "k_hat_limit": "trusted up to {:.2f}",
    "r_hat": "R-hat {:.4f}",
    "runs": "{:,.0f} runs",
    "effective_draws": "worth {:,.0f} independent draws",
    "terms": "{:,.0f} terms",
}
"""What is told of a quality record, in this order; the whole record is in the store."""


def said(quality: Mapping[str, object]) -> str:
    """Return on one line what a quality record says of how far its figure may be trusted."""
    known = ((phrase, quality.get(name)) for name, phrase in _PHRASES.items())
    return ", ".join(
        numbers.typeset(phrase.format(value))
        for phrase, value in known
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    )


def decomposition_table(view: View) -> Table | None:
    """Return where each method's error comes from, in nats; None if no method has been taken apart."""
    parts = [entries_of(entry.record, "error_decomposition") for entry in view.entries]
    heads = list(dict.fromkeys(head for found in parts for head in found))
    if not heads:
        return None
    rows = []
    for entry, found in zip(view.entries, parts, strict=True):
        one = entry.record.measurements.get("error_decomposition")
        notes = [""] * (len(heads) - 1) + [one.note if one else ""]  # at the end they are in nobody's way
        shown = (_part(found.get(head, (None, None)), note) for head, note in zip(heads, notes, strict=True))
        rows.append(Row(entry.label, tuple(shown), entry.record.cell.method))
    return Table(
        "Where each method's distance to log p(x) comes from, in nats: what its family cannot say, a worse "
        "optimum than the best known, not having converged, and Monte-Carlo noise",
        tuple(Column(head) for head in heads),
        tuple(rows),
    )


def _part(pair: tuple[float | None, float | None], note: str) -> Shown:
    value, error = pair
    if value is None or not np.isfinite(value):
        return missing(note)
    if error is None or not np.isfinite(error) or error == 0:
        return numbers.rough(value, note)
    return numbers.with_error(value, error, note)
