"""Points of one factor, at which its update is held against its definition: draws of q and others."""

from dataclasses import dataclass

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from hand_cavi.numerics.space import Arrays, Space

_OUTWARDS = 1.7
_FLIPS = 40  # of a discrete factor, at most


@dataclass(frozen=True)
class TestPoints:
    """J points of one factor; effects are averaged over its `own`, draws of q, all if it is discrete.

    Labels say where a discrete factor's point differs from the first; they are empty for other points.
    """

    values: Arrays
    own: np.ndarray
    labels: tuple[str, ...]
    discrete: bool

    def kept(self, keep: np.ndarray) -> "TestPoints":
        """Return some of the points."""
        values = {name: array[keep] for name, array in self.values.items()}
        labels = tuple(label for label, kept in zip(self.labels, keep, strict=True) if kept)
        return TestPoints(values, self.own[keep], labels, self.discrete)

    def reference(self, y: np.ndarray) -> np.ndarray:
        """Return what contrasts of y, (S, J), are held against: the first point, or the mean of q's own."""
        return y[:, :1] if self.discrete else y[:, self.own].mean(axis=1, keepdims=True)


def n_points(space: Space) -> int:
    """Return how many points there are."""
    return 1 + _FLIPS if space.free == 0 else 2 * _n_own(space)


def draw_points(
    guarded: GuardedDerivation, state: object, factor: str, space: Space, rng: np.random.Generator
) -> TestPoints:
    """Return points of one factor at a state: if it is continuous, draws of q and draws pushed outwards."""
    if space.free == 0:
        return _flips(guarded, state, factor, space, rng)
    n = _n_own(space)
    draws = guarded.sample(state, factor, rng, 2 * n)
    u = space.unconstrain(draws)
    u = u[np.isfinite(u).all(axis=1)]
    centre = u.mean(axis=0)
    outer, _ = space.constrain(centre + _OUTWARDS * (u[n:] - centre))
    values = {
        name: np.concatenate([array[:n], outer[name] if name in outer else array[n : len(u)]])
        for name, array in draws.items()
    }
    own = np.arange(len(u)) < n
    return TestPoints(values, own, ("",) * len(own), discrete=False)


def _flips(
    guarded: GuardedDerivation, state: object, factor: str, space: Space, rng: np.random.Generator
) -> TestPoints:
    """Return a draw of a discrete factor, and what becomes of it when one place takes another value."""
    base = guarded.sample(state, factor, rng, 1)
    places = [
        (v.name, index, level)
        for v in space.discrete
        for index in np.ndindex(v.shape)
        for level in v.levels
        if level != base[v.name][(0, *index)]
    ]
    chosen = [places[i] for i in rng.permutation(len(places))[:_FLIPS]]
    values = {name: np.repeat(array, 1 + len(chosen), axis=0) for name, array in base.items()}
    labels = [""]
    for row, (name, index, level) in enumerate(chosen, start=1):
        was = values[name][(row, *index)]
        values[name][(row, *index)] = level
        labels.append(f"{name}{list(index) or ''} = {level} against {was}")
    return TestPoints(values, np.ones(len(labels), dtype=bool), tuple(labels), discrete=True)


def _n_own(space: Space) -> int:
    """Return how many draws of q serve as points, half of all points."""
    return min(60, 6 + 2 * space.free)
