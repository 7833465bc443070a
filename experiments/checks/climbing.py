"""The bound as a function of free numbers, for the two checks that differentiate it.

A derivation may offer two more methods than it must:

    parameters(state, factor)                       -> dict of arrays: what q_j is made of, such as m and s2
    with_parameters(state, factor, parameters)      -> the state with that factor set to them

They are read like draws are (`experiments.checks.space`): what is positive moves by its logarithm, rows that
sum to 1 by their log ratios, and so on, so that every number that the differences try is allowed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.checks.bench import Bench, wander
from experiments.checks.space import Arrays, Space
from experiments.checks.subject import Subject
from hand_cavi import InputError

STEP = 1e-3
NOT_OFFERED = "The derivation does not offer parameters and with_parameters; see experiments.checks.climbing."


@dataclass(frozen=True)
class Climb:
    """One factor's parameters as free numbers.

    Attributes
    ----------
    subject : Subject
    factor : str
    space : Space
    """

    subject: Subject
    factor: str
    space: Space

    def free(self, state: Any) -> np.ndarray:
        """Return the factor's parameters as free numbers, shape (free,)."""
        parameters = _parameters(self.subject, state, self.factor)
        u = self.space.unconstrain({name: array[np.newaxis] for name, array in parameters.items()})[0]
        return np.clip(np.nan_to_num(u, nan=0.0), -300, 300) if not np.isfinite(u).all() else u

    def bound(self, state: Any, u: np.ndarray) -> float:
        """Return the bound with the factor's parameters at these free numbers; nan where it has none."""
        try:
            return self.subject.bound(self.moved(state, u))
        except InputError:  # at a point that the differences chose, not the derivation
            return np.nan

    def moved(self, state: Any, u: np.ndarray) -> Any:
        """Return the state with the factor's parameters at these free numbers."""
        values, _ = self.space.constrain(u[np.newaxis])
        parameters: Arrays = {name: array[0] for name, array in values.items()}
        try:
            return self.subject.derivation.with_parameters(state, self.factor, parameters)
        except Exception as error:
            raise InputError(
                f'with_parameters(state, "{self.factor}", ...) failed: {type(error).__name__}: {error}'
            ) from error


def climbs(bench: Bench, rng: np.random.Generator) -> list[Climb] | None:
    """Return every factor as a climb, or None where the derivation does not offer its parameters."""
    if not hasattr(bench.subject.derivation, "parameters"):
        return None
    states = [*bench.states, *(wander(bench.subject, rng, i % 3) for i in range(8))]
    found = []
    for factor in bench.subject.factors:
        each = [_parameters(bench.subject, state, factor) for state in states]
        shapes = [{name: array.shape for name, array in one.items()} for one in each]
        changed = next((one for one in shapes if one != shapes[0]), None)
        if changed is not None:
            raise InputError(
                f'parameters(state, "{factor}") has shapes {shapes[0]} at one state and {changed} at '
                "another; they must be the same at all states"
            )
        space = Space.of({name: np.stack([p[name] for p in each]) for name in each[0]})
        found.append(Climb(bench.subject, factor, space))
    return found


def slopes(bound: Callable[[np.ndarray], float], u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first and second derivatives along every coordinate, by central differences of fourth order."""
    at = bound(u)
    first, second = np.zeros_like(u), np.zeros_like(u)
    for i in range(len(u)):
        step = STEP * max(1.0, abs(u[i]) * 1e-2)
        values = []
        for k in (-2, -1, 1, 2):
            there = u.copy()
            there[i] += k * step
            values.append(bound(there))
        first[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        second[i] = (values[1] + values[2] - 2 * at) / step**2
    return first, second


def _parameters(subject: Subject, state: Any, factor: str) -> Arrays:
    found = subject.derivation.parameters(state, factor)
    return {name: np.asarray(array, dtype=float) for name, array in found.items()}
