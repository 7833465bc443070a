"""Factors as functions of free numbers, for what differentiates the bound or a density.

A derivation may offer two more methods than it must:

    parameters(state, factor)                       -> dict of arrays: what q_j is made of, such as m and s2
    with_parameters(state, factor, parameters)      -> the state with that factor set to them

They are read like draws are (`experiments.checks.space`): what is positive moves by its logarithm, rows that
sum to 1 by their log ratios, and so on, so that every number that the differences try is allowed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.space import Arrays, Space, Variable
from hand_cavi import InputError

STEP = 1e-3
_LEAST = 1e-130
NOT_OFFERED = (
    "The derivation does not offer parameters and with_parameters; see experiments.checks.parameters."
)


@dataclass(frozen=True)
class FactorParameters:
    """One factor's parameters as free numbers.

    Attributes
    ----------
    subject : GuardedDerivation
    factor : str
    space : Space
        Of its parameters.
    variables : tuple of str
        What it draws.
    """

    subject: GuardedDerivation
    factor: str
    space: Space
    variables: tuple[str, ...]

    def fitting(self, state: Any) -> "FactorParameters":
        """Return this, or the same with wider kinds where the state has values that no example had.

        A variance below 1 in all examples is not a share for that, nor a positive mean a variance.
        """
        parameters = _parameters(self.subject, state, self.factor)
        variables = tuple(_widened(v, parameters[v.name]) for v in self.space.variables)
        return replace(self, space=Space(variables))

    def free(self, state: Any) -> np.ndarray:
        """Return the factor's parameters as free numbers, shape (free,)."""
        parameters = _parameters(self.subject, state, self.factor)
        for v in self.space.variables:
            if v.kind in ("simplex", "positive"):  # what was rounded to 0 has no logarithm
                parameters[v.name] = np.maximum(parameters[v.name], _LEAST)
        u = self.space.unconstrain({name: array[np.newaxis] for name, array in parameters.items()})[0]
        return np.clip(np.nan_to_num(u, nan=0.0), -300, 300) if not np.isfinite(u).all() else u

    def moved(self, state: Any, u: np.ndarray) -> Any:
        """Return the state with the factor's parameters at these free numbers."""
        return self._with(state, self.space.constrain(u[np.newaxis])[0], 0)

    def slopes(
        self, state: Any, of: Callable[[Any], Any], u: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return first and second derivatives of a function of the state along every free number.

        They are central differences of fourth order, nan where the state cannot be made. The function may
        return a number or an array; the free numbers come on a new first axis.
        """
        u = self.free(state) if u is None else u
        at = np.asarray(of(self.moved(state, u)))
        step = STEP * np.maximum(1.0, np.abs(u) * 1e-2)
        grid = u + np.diag(step)[:, np.newaxis] * np.array([-2, -1, 1, 2])[:, np.newaxis]
        values, _ = self.space.constrain(grid.reshape(-1, len(u)))

        def there(row: int) -> Any:
            try:
                return of(self._with(state, values, row))
            except InputError:
                return np.full(at.shape, np.nan)

        found = np.reshape([there(row) for row in range(4 * len(u))], (len(u), 4, *at.shape))
        step = step.reshape(-1, *[1] * at.ndim)
        first = (found[:, 0] - 8 * found[:, 1] + 8 * found[:, 2] - found[:, 3]) / (12 * step)
        return first, (found[:, 1] + found[:, 2] - 2 * at) / step**2

    def _with(self, state: Any, values: Arrays, row: int) -> Any:
        parameters: Arrays = {name: array[row] for name, array in values.items()}
        try:
            return self.subject.derivation.with_parameters(state, self.factor, parameters)
        except Exception as error:
            raise InputError(
                f'with_parameters(state, "{self.factor}", ...) failed: {type(error).__name__}: {error}'
            ) from error


def climbs(
    subject: GuardedDerivation, states: Sequence[Any], spaces: dict[str, Space]
) -> tuple[FactorParameters, ...]:
    """Return every factor as a climb, or none where the derivation does not offer its parameters."""
    if not hasattr(subject.derivation, "parameters"):
        return ()
    if not hasattr(subject.derivation, "with_parameters"):
        raise InputError("the derivation offers parameters but not with_parameters; it takes both or none")
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
        found.append(
            FactorParameters(subject, factor, space, tuple(v.name for v in spaces[factor].variables))
        )
    return tuple(found)


def _widened(v: Variable, z: np.ndarray) -> Variable:
    if v.kind in ("unit", "positive") and (z < 0).any():
        return replace(v, kind="real")
    return replace(v, kind="positive") if v.kind == "unit" and (z > 1).any() else v


def bound_or_nan(subject: GuardedDerivation, state: Any) -> float:
    """Return the bound at a state that the differences chose, not the derivation; nan where it has none."""
    try:
        return subject.bound(state)
    except InputError:
        return np.nan


def _parameters(subject: GuardedDerivation, state: Any, factor: str) -> Arrays:
    try:
        found = dict(subject.derivation.parameters(state, factor))
    except Exception as error:
        raise InputError(f'parameters(state, "{factor}") failed: {type(error).__name__}: {error}') from error
    return {name: np.asarray(array, dtype=float) for name, array in found.items()}
