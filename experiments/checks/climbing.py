"""Factors as functions of free numbers, for what differentiates the bound or a density.

A derivation may offer two more methods than it must:

    parameters(state, factor)                       -> dict of arrays: what q_j is made of, such as m and s2
    with_parameters(state, factor, parameters)      -> the state with that factor set to them

They are read like draws are (`experiments.checks.space`): what is positive moves by its logarithm, rows that
sum to 1 by their log ratios, and so on, so that every number that the differences try is allowed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
        Of its parameters.
    variables : tuple of str
        What it draws.
    """

    subject: Subject
    factor: str
    space: Space
    variables: tuple[str, ...]

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


def climbs(subject: Subject, states: Sequence[Any], spaces: dict[str, Space]) -> tuple[Climb, ...]:
    """Return every factor as a climb, or none where the derivation does not offer its parameters."""
    if not hasattr(subject.derivation, "parameters"):
        return ()
    found = []
    for factor in subject.factors:
        each = [_parameters(subject, state, factor) for state in states]
        shapes = [{name: array.shape for name, array in one.items()} for one in each]
        changed = next((one for one in shapes if one != shapes[0]), None)
        if changed is not None:
            raise InputError(
                f'parameters(state, "{factor}") has shapes {shapes[0]} at one state and {changed} at '
                "another; they must be the same at all states"
            )
        space = Space.of({name: np.stack([p[name] for p in each]) for name in each[0]})
        found.append(Climb(subject, factor, space, tuple(v.name for v in spaces[factor].variables)))
    return tuple(found)


def slopes(of: Callable[[np.ndarray], Any], u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first and second derivatives along every coordinate, by central differences of fourth order.

    The function may return a number or an array; the coordinates come on a new first axis.
    """
    at = np.asarray(of(u))
    first, second = np.zeros((len(u), *at.shape)), np.zeros((len(u), *at.shape))
    for i in range(len(u)):
        step = STEP * max(1.0, abs(u[i]) * 1e-2)
        values = []
        for k in (-2, -1, 1, 2):
            there = u.copy()
            there[i] += k * step
            values.append(of(there))
        first[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        second[i] = (values[1] + values[2] - 2 * at) / step**2
    return first, second


def _parameters(subject: Subject, state: Any, factor: str) -> Arrays:
    try:
        found = dict(subject.derivation.parameters(state, factor))
    except Exception as error:
        raise InputError(f'parameters(state, "{factor}") failed: {type(error).__name__}: {error}') from error
    return {name: np.asarray(array, dtype=float) for name, array in found.items()}
