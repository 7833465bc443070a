"""Control variates: what is known to average to zero takes the noise out of what is averaged.

See docs/mathematics.md, section 8; and docs/checks.md on how it is seen whether the combination is exact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from experiments.checks.parameters import FactorParameters
from hand_cavi import InputError
from hand_cavi.numerics.space import Arrays, Space

ROUNDING = 1e-7
"""Of the largest number that enters: an expectation that was read off is off by less."""

_EXACT = 1e-8  # of the largest number of a draw: where less is left over, the combination is exact
_NOTHING = 1e-8  # scores that are smaller everywhere, as of a level all but excluded, are rounding
_OUTWARDS = 3.0
_MOST = 400  # scores and products of them
_PILOT = 1000


@dataclass(frozen=True)
class ControlVariates:
    """Functions of the draws at one state with expectation zero: scores, perhaps products of them."""

    parameters: tuple[FactorParameters, ...]
    state: object
    products: bool = False

    @property
    def size(self) -> int:
        """How many functions there are."""
        free = [one.space.free for one in self.parameters]
        return sum(free) + (sum(a * b for a, b in combinations(free, 2)) if self.products else 0)

    @property
    def draws(self) -> int:
        """How many draws of either kind it takes to find a combination, and to see whether it is exact."""
        return 50 + self.size

    def expectations(
        self,
        draws: Arrays,
        targets_of: Callable[[Arrays], tuple[np.ndarray, np.ndarray]],
        spaces: dict[str, Space],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, float]:
        """Return the expectations of targets where a combination is exact, and what rounding is.

        Given are `draws` of them from q, by name, and a function of values by name, whose targets (S, J) come
        with the largest numbers of which those are made, (S,). The expectations, shape (J,), are nan where no
        combination is exact, and else off by less than the rounding.
        """
        n = len(next(iter(draws.values())))
        further = stretched(draws, spaces, rng)
        values = {name: np.concatenate([array, further[name]]) for name, array in draws.items()}
        with np.errstate(all="ignore"):
            each = [scores(one, self.state, values) for one in self.parameters]
            try:
                targets, size = targets_of(values)
            except InputError:  # at values that are no draws
                return np.full(targets_of(draws)[0].shape[1], np.nan), 0.0
        possible = np.isfinite(np.column_stack([*each, targets, size])).all(axis=1)
        functions = self._functions([of_factor[possible] for of_factor in each])
        functions = functions[:, np.abs(functions).max(axis=0, initial=0) > 0]
        if not possible[:n].all() or possible.sum() < n + 10:
            return np.full(targets.shape[1], np.nan), 0.0
        # every row is an equation of its own, and rounding is relative to its largest number
        weight = 1 / np.maximum(1.0, size[possible])[:, np.newaxis]
        design = np.column_stack([np.ones(len(functions)), functions]) * weight
        width = np.maximum(np.abs(design).max(axis=0), 1e-300)
        goal = targets[possible] * weight
        design /= width
        found, rank = _least_squares(design, goal)
        if rank < design.shape[1]:
            constant, others = design[:, 0], design[:, 1:]
            apart = constant - others @ _least_squares(others, constant)[0]
            if np.linalg.norm(apart) < 1e-6 * np.linalg.norm(constant):  # they cannot be told from each other
                return np.full(targets.shape[1], np.nan), 0.0
        left = np.abs(goal - design @ found).max(axis=0)
        expected = np.where(left <= _EXACT, found[0] / width[0], np.nan)
        return expected, ROUNDING * max(1.0, float(size[:n].max()))

    def functions_at(self, values: Arrays) -> np.ndarray:
        """Return all functions at draws, shape (S, size), the scores first."""
        with np.errstate(all="ignore"):
            return self._functions([scores(one, self.state, values) for one in self.parameters])

    def _functions(self, each: list[np.ndarray]) -> np.ndarray:
        """Return all functions, shape (S, size), made of the factors' scores, (S, free) each."""
        columns = [np.where(np.abs(part).max(axis=0, initial=0) < _NOTHING, 0.0, part) for part in each]
        if self.products:
            products = [a[:, :, np.newaxis] * b[:, np.newaxis] for a, b in combinations(columns, 2)]
            columns += [product.reshape(len(product), -1) for product in products]
        return np.concatenate(columns, axis=1)


def _least_squares(design: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, int]:
    """Return coefficients, and the rank of the design."""
    from scipy.linalg import lstsq

    found, _, rank, _ = lstsq(design, goal, cond=1e-12, lapack_driver="gelsy", check_finite=False)
    return found, rank


def control_variates_at(
    parameters: tuple[FactorParameters, ...], wanted: tuple[str, ...], state: object, products: bool = False
) -> ControlVariates | None:
    """Return those of the wanted factors, or None where a factor has none or they are too many."""
    chosen = tuple(one for one in parameters if one.factor in wanted)
    found = ControlVariates(chosen, state, products)
    return found if len(chosen) == len(wanted) and 0 < found.size <= _MOST else None


def scores(own: FactorParameters, state: object, values: Arrays) -> np.ndarray:
    """Return d ln q / d lambda at draws, shape (S, free); nan where q has no density there."""
    n = len(next(iter(values.values())))

    def log_q(there: object) -> np.ndarray:
        try:
            return own.guarded.log_density(there, own.factor, values)
        except InputError:  # at a point that the differences chose, not the derivation
            return np.full(n, np.nan)

    with np.errstate(invalid="ignore"):
        return own.fitting(state).slopes(state, log_q)[0].T


def trusted(own: FactorParameters, states: tuple[object, ...], rng: np.random.Generator) -> bool:
    """Say whether a factor's scores average to zero, but for events too rare for the draws to hold any."""
    for state in states:
        found = scores(own, state, own.guarded.sample(state, own.factor, rng, _PILOT))
        if not np.isfinite(found).all():
            return False
        error = found.std(axis=0) / np.sqrt(_PILOT)
        rare = 20 * np.maximum(np.abs(found).max(axis=0, initial=0), 1.0) / _PILOT
        if (np.abs(found.mean(axis=0)) > 6 * error + rare).any():
            return False
    return True


def stressed(draws: Arrays, spaces: dict[str, Space], rng: np.random.Generator) -> Arrays:
    """Return the draws with discrete variables set to any of their levels with equal chances."""
    levels = {v.name: v.levels for space in spaces.values() for v in space.discrete}
    return {
        name: rng.choice(levels[name], size=array.shape) if name in levels else array
        for name, array in draws.items()
    }


def stretched(draws: Arrays, spaces: dict[str, Space], rng: np.random.Generator) -> Arrays:
    """Return the draws pushed away from their mean, in free coordinates, with discrete variables as above."""
    found = stressed(draws, spaces, rng)
    for space in spaces.values():
        if space.free and all(v.name in draws for v in space.variables):
            u = space.unconstrain(draws)
            centre = u.mean(axis=0)
            found |= space.constrain(centre + rng.uniform(1, _OUTWARDS, (len(u), 1)) * (u - centre))[0]
    return found
