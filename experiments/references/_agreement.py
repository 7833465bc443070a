"""Do references agree? Log evidence and moments by different ways, compared with their errors.

See docs/mathematics.md, section 6; the tail of four standard errors, 6.3e-5, is shared by Bonferroni.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from experiments.posterior.draws import are_independent, mean_and_error
from experiments.posterior.quantities import sorted_locations
from experiments.records import Estimate, Reference

STANDARD_ERRORS = 4.0
"""How far apart two figures may be if they are the only two compared."""

ROUNDING = 1e-9
"""Relative: differences as small as this are rounding, whatever the errors say."""


@dataclass(frozen=True)
class Agreement:
    """How many figures were compared, the largest difference in standard errors, and a complaint of it."""

    compared: int = 0
    largest: float = 0.0
    complaint: str = ""


def agreement(references: Sequence[Reference]) -> Agreement:
    """Compare every two references that qualify by themselves: their log evidence and their sorted means."""
    pairs = [pair for one, other in combinations(references, 2) for pair in _pairs(one, other)]
    worst = max(pairs, key=lambda pair: pair.score, default=None)
    if worst is None:
        return Agreement()
    allowed = -float(ndtri(ndtr(-STANDARD_ERRORS) / len(pairs)))
    complaint = worst.sentence(allowed) if worst.score > allowed else ""
    return Agreement(len(pairs), worst.score, complaint)


@dataclass(frozen=True)
class _Pair:
    """One quantity by two ways."""

    quantity: str
    first: Estimate
    second: Estimate

    @property
    def score(self) -> float:
        """How far apart they are, as the normal deviate that is as rare."""
        difference = abs(self.first.value - self.second.value)
        if difference <= ROUNDING * max(1.0, abs(self.first.value)):
            return 0.0
        squares = [one.standard_error**2 for one in (self.first, self.second)]
        if not sum(squares):
            return inf
        t = difference / np.sqrt(sum(squares))
        known = [one.quality.get("degrees_of_freedom", inf) for one in (self.first, self.second)]
        freedom = [float(str(figure)) for figure in known]
        uncertain = sum(square**2 / f for square, f in zip(squares, freedom, strict=True))
        if not uncertain:
            return float(t)
        tail = max(float(stdtr(sum(squares) ** 2 / uncertain, -t)), 1e-300)
        return -float(ndtri(tail))

    def sentence(self, allowed: float) -> str:
        said = " and ".join(
            f"{one.value:.6g} (standard error {one.standard_error:.2g}) by {one.method}"
            for one in (self.first, self.second)
        )
        return (
            f"two references disagree about {self.quantity}: it is {said}, {self.score:.1f} standard errors "
            f"apart, where {allowed:.1f} are allowed; so neither is leant on"
        )


def _pairs(one: Reference, other: Reference) -> list[_Pair]:
    """Pair log p(x), and the means of the sorted locations, which do not depend on the numbering."""
    first, second = _sorted_means(one), _sorted_means(other)
    means = [_Pair(name, first[name], second[name]) for name in first if name in second]
    if one.log_evidence is None or other.log_evidence is None:
        return means
    return [_Pair("log p(x)", one.log_evidence, other.log_evidence), *means]


def _sorted_means(reference: Reference) -> dict[str, Estimate]:
    if reference.draws is None:
        return {}
    quantities = sorted_locations(reference.draws)
    values = np.stack(list(quantities.values()), axis=-1)
    mean, error = mean_and_error(values, independent=are_independent(reference.draws))
    return {
        f"the posterior mean of {name}": Estimate(float(m), float(e), reference.method)
        for name, m, e in zip(quantities, mean, error, strict=True)
    }
