"""Who wins on F, who after symmetrisation, and why the two can differ: docs/mathematics.md, 4 and 5."""

from dataclasses import dataclass
from itertools import permutations
from math import hypot

import numpy as np

from experiments.posterior.symmetrised import log_factorial
from experiments.report.style.numbers import fixed
from experiments.report.style.words import listed
from experiments.report.view import Entry, View, number_of

ALIKE = 0.005
"""Nats: bounds closer than this are called equal, however small their errors."""

_ONE_MODE, _MERGED = 0.9, 0.1  # shares of ln K!


@dataclass(frozen=True)
class Bounds:
    """A method's F and F(q_sym) with standard errors, in nats, and ln K! (0 with nothing to rename)."""

    entry: Entry
    collapsed: tuple[float, float]
    symmetrised: tuple[float, float] | None
    most: float

    @property
    def gain(self) -> float | None:
        """KL(q, q_sym), in nats."""
        measured = number_of(self.entry.record, "symmetry_gain")
        if measured is not None:
            return max(0.0, measured[0])
        return None if self.symmetrised is None else max(0.0, self.symmetrised[0] - self.collapsed[0])

    @property
    def share_of_most(self) -> float | None:
        """The gain as a share of ln K!; None where there is nothing to rename."""
        gain = self.gain
        return gain / self.most if gain is not None and self.most > 0 else None


def bounds_of(view: View) -> list[Bounds]:
    """Return the bounds of every method that has F."""
    mixture = view.problem.mixture
    most = log_factorial(mixture.n_components) if mixture.weights.exchangeable else 0.0
    found = []
    for entry in view.entries:
        collapsed = _known(number_of(entry.record, "collapsed_bound"))
        if collapsed is not None:
            symmetrised = _known(number_of(entry.record, "symmetrised_bound"))
            found.append(Bounds(entry, collapsed, symmetrised, most))
    return found


def ranking(view: View) -> list[str]:
    """Return a sentence on who wins on F and after symmetrisation, and why; nothing for a single method."""
    bounds = bounds_of(view)
    if len(bounds) < 2:
        return []
    first = _best([(bound, bound.collapsed) for bound in bounds])
    both = [(bound, bound.symmetrised) for bound in bounds if bound.symmetrised is not None]
    if len(both) < len(bounds):
        return [f"On F, {_winners(first, 'collapsed')}. Not all of them could be symmetrised."]
    last = _best(both)
    same = {id(bound) for bound in first} == {id(bound) for bound in last}
    if same and len(first) == len(bounds):
        return [f"{_names(first)} reach the same F, and the same after symmetrisation."]
    after = (
        f", and so after symmetrisation ({_values(last, 'symmetrised')})"
        if same
        else f"; after symmetrisation, {_winners(last, 'symmetrised')}"
    )
    return [f"On F, {_winners(first, 'collapsed')}{after}.", *_turned(bounds)]


def _turned(bounds: list[Bounds]) -> list[str]:
    """Say which pairs of methods change places by symmetrisation, and why; the two that do so most."""
    turns = []
    for above, below in permutations(bounds, 2):
        if above.symmetrised is None or below.symmetrised is None:
            continue
        lead, loss = _lead(above.collapsed, below.collapsed), _lead(below.symmetrised, above.symmetrised)
        if lead is not None and loss is not None:
            turns.append((lead, loss, above, below))
    turns.sort(key=lambda turn: -(turn[0] + turn[1]))
    found = [
        f"{above.entry.label} is above {below.entry.label} on F, by {fixed(lead, 3)} nats, and below it "
        f"after symmetrisation, by {fixed(loss, 3)}. Renaming components gives {below.entry.label} back "
        f"{fixed(below.gain or 0.0, 3)} nats (of at most ln K! = {fixed(below.most, 3)}), since its q "
        f"{_shape(below)}, and {above.entry.label} {fixed(above.gain or 0.0, 3)}, since its q "
        f"{_shape(above)}."
        for lead, loss, above, below in turns[:2]
    ]
    if found:
        found[-1] += (
            " F prefers a q that blurs the mirror images into one to a q that describes one of them well; "
            "F symmetrised asks how well q, with all its mirror images, describes the posterior."
        )
    return found


def _lead(one: tuple[float, float], other: tuple[float, float]) -> float | None:
    """Return by how much one bound is above another; None if its errors, or `ALIKE`, allow for nothing."""
    lead = one[0] - other[0]
    return lead if lead > max(ALIKE, 2 * hypot(one[1], other[1])) else None


def _shape(bound: Bounds) -> str:
    share = bound.share_of_most or 0.0
    if share >= _ONE_MODE:
        return "sits in a single one of the mirror-image modes"
    if share <= _MERGED:
        return "has merged its components, so that renaming them changes next to nothing"
    return "covers the mirror-image modes in part"


def _best(bounds: list[tuple[Bounds, tuple[float, float]]]) -> list[Bounds]:
    """Return the best and all that cannot be told from it, in the order given."""
    top = max(bounds, key=lambda pair: pair[1][0])[1]
    return [bound for bound, value in bounds if _lead(top, value) is None]


def _winners(best: list[Bounds], which: str) -> str:
    verb = "is highest" if len(best) == 1 else "are highest and cannot be told apart"
    return f"{_names(best)} {verb} ({_values(best, which)})"


def _names(bounds: list[Bounds]) -> str:
    return listed([bound.entry.label for bound in bounds])


def _values(best: list[Bounds], which: str) -> str:
    values = [getattr(bound, which)[0] for bound in best]
    return ", ".join(fixed(value, 3) for value in values) + " nats"


def _known(pair: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if pair is None else (pair[0], 0.0 if np.isnan(pair[1]) else pair[1])
