"""Factors as functions of free numbers, for what differentiates the bound or a density.

The optional methods `parameters` and `with_parameters` are in docs/checks.md. What they give is read like
draws are (`hand_cavi.numerics.space`), so that every number that the differences try is allowed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation, guarded_call
from hand_cavi import InputError
from hand_cavi.numerics.space import Arrays, Space, Variable

STEP = 1e-3
_LEAST = 1e-130
NOT_OFFERED = (
    'The derivation does not offer parameters and with_parameters; see "What a derivation offers" in '
    "docs/checks.md."
)


@dataclass(frozen=True)
class FactorParameters:
    """One factor's parameters as free numbers; the space is theirs."""

    guarded: GuardedDerivation
    factor: str
    space: Space

    def at(self, state: object) -> Arrays:
        """Return the parameters at a state, by name."""
        own, call = cast(Any, self.guarded.derivation), f'parameters(state, "{self.factor}")'
        found = guarded_call(call, lambda: dict(own.parameters(state, self.factor)))
        return {name: np.asarray(array, dtype=float) for name, array in found.items()}

    def fitting(self, state: object) -> "FactorParameters":
        """Return this, or the same with wider kinds where the state has values that no example had.

        A variance below 1 in all examples is not a share for that, nor a positive mean a variance.
        """
        parameters = self.at(state)
        return replace(
            self, space=Space(tuple(_widened(v, parameters[v.name]) for v in self.space.variables))
        )

    def free(self, state: object) -> np.ndarray:
        """Return the factor's parameters as free numbers, shape (free,)."""
        parameters = self.at(state)
        for v in self.space.variables:
            if v.kind in ("simplex", "positive"):  # what was rounded to 0 has no logarithm
                parameters[v.name] = np.maximum(parameters[v.name], _LEAST)
        u = self.space.unconstrain({name: array[np.newaxis] for name, array in parameters.items()})[0]
        return np.clip(np.nan_to_num(u, nan=0.0), -300, 300) if not np.isfinite(u).all() else u

    def moved(self, state: object, u: np.ndarray) -> object:
        """Return the state with the factor's parameters at these free numbers."""
        return self.with_row(state, self.space.constrain(u[np.newaxis])[0], 0)

    def slopes(
        self, state: object, of: Callable[[object], float | np.ndarray], u: np.ndarray | None = None
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

        def there(row: int) -> float | np.ndarray:
            try:
                return of(self.with_row(state, values, row))
            except InputError:
                return np.full(at.shape, np.nan)

        found = np.reshape([there(row) for row in range(4 * len(u))], (len(u), 4, *at.shape))
        step = step.reshape(-1, *[1] * at.ndim)
        first = (found[:, 0] - 8 * found[:, 1] + 8 * found[:, 2] - found[:, 3]) / (12 * step)
        return first, (found[:, 1] + found[:, 2] - 2 * at) / step**2

    def bound_slopes(self, state: object, u: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the `slopes` of the bound, 0 where there is no bound beside this state."""
        first, second = self.slopes(state, lambda there: bound_or_nan(self.guarded, there), u)
        return np.nan_to_num(first, nan=0.0), np.nan_to_num(second, nan=0.0)

    def with_row(self, state: object, values: Arrays, row: int) -> object:
        """Return the state with the factor's parameters at one row of values by name."""
        own, parameters = self.guarded.derivation, {name: array[row] for name, array in values.items()}
        call = f'with_parameters(state, "{self.factor}", ...)'
        return guarded_call(call, lambda: cast(Any, own).with_parameters(state, self.factor, parameters))


def factor_parameters(guarded: GuardedDerivation, states: Sequence[object]) -> tuple[FactorParameters, ...]:
    """Return every factor's parameters, judged by those at some states; none where they are not offered."""
    if not hasattr(guarded.derivation, "parameters"):
        return ()
    if not hasattr(guarded.derivation, "with_parameters"):
        raise InputError("the derivation offers parameters but not with_parameters; it takes both or none")
    found = []
    for factor in guarded.factors:
        own = FactorParameters(guarded, factor, Space(()))
        each = [own.at(state) for state in states]
        shapes = [{name: array.shape for name, array in one.items()} for one in each]
        changed = next((one for one in shapes if one != shapes[0]), None)
        if changed is not None:
            raise InputError(
                f'parameters(state, "{factor}") has shapes {shapes[0]} at one state and {changed} at '
                "another; they must be the same at all states"
            )
        examples = {name: np.stack([one[name] for one in each]) for name in each[0]}
        found.append(replace(own, space=Space.of(examples)))
    return tuple(found)


def bound_or_nan(guarded: GuardedDerivation, state: object) -> float:
    """Return the bound at a state that the differences chose, not the derivation; nan where it has none."""
    try:
        return guarded.bound(state)
    except InputError:
        return np.nan


def _widened(v: Variable, z: np.ndarray) -> Variable:
    if v.kind in ("unit", "positive") and (z < 0).any():
        return replace(v, kind="real")
    return replace(v, kind="positive") if v.kind == "unit" and (z > 1).any() else v
