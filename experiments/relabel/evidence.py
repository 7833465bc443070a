"""What a relabelling method may look at, what it answers, and how its answer is judged.

Which draws are ambiguous is defined in docs/relabelling.md, "When names mean nothing".
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.posterior.draws import location_name
from experiments.records import Draws, Problem
from experiments.relabel.allocations import Allocations
from experiments.relabel.by_problem import best_draw
from experiments.relabel.matching import AMBIGUOUS_BELOW, match
from hand_cavi import InputError

_TINY = np.finfo(np.float64).tiny
_OR_PROBLEM = ", problem=, or a tree with lp in sample_stats"


@dataclass(frozen=True)
class Evidence:
    """What there is to go by; `method` asks, for messages, and the rest is as in `relabel`."""

    method: str
    draws: Draws  # (S, K, ...)
    allocations: Allocations | None
    data: np.ndarray | None  # (N, L), categories as indicators
    pivot: np.ndarray | None  # (n, K): probabilities of the points that `allocations` look at
    pivot_draw: int | None
    problem: Problem | None
    log_density: np.ndarray | None  # (S,), up to a constant
    by: str | None
    feature: int
    max_iterations: int

    @property
    def needed_allocations(self) -> Allocations:
        """The allocations, or InputError."""
        if self.allocations is None:
            raise self._lacks(
                "to know which points belong to which component",
                "allocations= (an array, or the name of a variable of the tree), or problem=",
            )
        return self.allocations

    @property
    def needed_data(self) -> np.ndarray:
        """The data of the points that the allocations look at, (n, L), or InputError."""
        if self.data is None:
            where = "data= (an array, or the name of a variable in observed_data), or problem="
            raise self._lacks("the data", where)
        return self.data[self.needed_allocations.points]

    @cached_property
    def best(self) -> int | None:
        """The pivot draw: the one asked for, else the one with the highest log density, if known."""
        if self.pivot_draw is not None:
            return self.pivot_draw
        if self.problem is not None:
            return best_draw(self.problem, self.draws)
        return None if self.log_density is None else int(np.argmax(self.log_density))

    def needed_best(self, offered: str = "the number of a draw, chains end to end") -> int:
        """Return the pivot draw, or raise InputError that asks for what is `offered`."""
        if self.best is None:
            raise self._lacks("a pivot", f"pivot= ({offered}){_OR_PROBLEM}")
        return self.best

    @property
    def needed_pivot(self) -> np.ndarray:
        """The pivot's allocation probabilities, (n, K), or InputError."""
        allocations = self.needed_allocations
        if self.pivot is not None:
            return self.pivot
        return allocations.of_draw(self.needed_best("allocations of the points, or the number of a draw"))

    @property
    def anchor(self) -> int | None:
        """The draw whose names stay, None where an array gives the names: the best, else the first."""
        if self.pivot is not None:
            return None
        return 0 if self.best is None else self.best

    @property
    def start(self) -> np.ndarray:
        """Allocation probabilities to start from, (n, K): the pivot's, or those of the anchor."""
        allocations = self.needed_allocations
        return allocations.of_draw(self.anchor) if self.anchor is not None else self.needed_pivot

    @property
    def location(self) -> np.ndarray:
        """Where components are, (S, K, P): the variable `by`, or the draws' own location."""
        name = self.by if self.by is not None else location_name(self.draws)
        if name not in self.draws:
            raise InputError(
                f"by={name!r} is no variable with the components' dimension; there are "
                f"{', '.join(self.draws)}"
            )
        values = self.draws[name]
        return values.reshape(*values.shape[:2], -1)

    def _lacks(self, what: str, where: str) -> InputError:
        return InputError(f"method {self.method!r} needs {what}: hand over {where}")


@dataclass(frozen=True)
class Naming:
    """What a method answers: ``order[s, j]``, shape (S, K), is the component of draw s that gets name j.

    The margin, shape (S,), is in nats to the second-cheapest naming, or None if the costs are in other units.
    """

    order: np.ndarray
    margin: np.ndarray | None = None
    iterations: int = 1
    converged: bool = True


def ambiguous(evidence: Evidence, naming: Naming) -> np.ndarray:
    """Return which draws' namings are ambiguous, shape (S,)."""
    if naming.margin is not None:
        return naming.margin < AMBIGUOUS_BELOW
    if evidence.allocations is not None:
        average = evidence.allocations.average(naming.order)
        best, margin = match(evidence.allocations.surprise(average, _TINY))
    else:
        best, margin = match(_normal_costs(evidence.location, naming.order))
    return (margin < AMBIGUOUS_BELOW) | (best != naming.order).any(axis=1)


def _normal_costs(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return minus the log density of component k's location under name j's normal, (S, j, k).

    Entries count as independent; each has its mean and standard deviation over the relabelled draws.
    """
    named = np.take_along_axis(values, order[:, :, np.newaxis], axis=1)
    mean, sd = named.mean(axis=0), named.std(axis=0)
    sd = np.maximum(sd, 1e-9 * np.abs(values).max(initial=0) + _TINY)
    distance = (values[:, np.newaxis] - mean[:, np.newaxis]) / sd[:, np.newaxis]  # (S, j, k, P)
    return (distance**2 / 2 + np.log(sd)[:, np.newaxis]).sum(axis=-1)
