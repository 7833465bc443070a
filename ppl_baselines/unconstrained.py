"""Between a model's canonical variables and one flat vector without constraints, in numpy.

ADVI and NUTS work on u, the model's variables laid end to end after each has been transformed to the
whole real line. A `Coordinates` holds that layout in plain, picklable form, so that an approximation outlives
its model:

u (S, P) -> theta = g(u),    log p(u) = log p(theta) + log |det dg/du|

Letters: S draws, P unconstrained numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ppl_baselines.transforms import Identity, LogCholesky, Simplex, Sticks, Transform

STAND_INS: dict[str, tuple[str, Transform]] = {
    "precision_log_cholesky": ("precision", LogCholesky()),
    "probability_log_ratios": ("probability", Simplex()),
    "stick_log_odds": ("weights", Sticks()),
    "weights_log_ratios": ("weights", Simplex()),
}
"""Models' variables that are free real numbers, the canonical ones whose coordinates they are, and how."""


@dataclass(frozen=True)
class Span:
    """Where a variable lies in u."""

    name: str  # of the canonical variable
    variable: str  # its name in the model, which is another where it has a stand-in
    start: int
    stop: int
    shape: tuple[int, ...]  # of the variable, without the draws
    transform: Transform

    @property
    def stands_in(self) -> bool:
        """Whether the model's variable is u itself, and the canonical one is not in the model."""
        return self.variable in STAND_INS


@dataclass(frozen=True)
class Coordinates:
    """The layout of u, in the order of the model's free variables."""

    spans: tuple[Span, ...]

    @property
    def size(self) -> int:
        """P."""
        return self.spans[-1].stop

    def constrain(self, u: np.ndarray) -> dict[str, np.ndarray]:
        """Return canonical draws, each of shape (S, ...), from u of shape (S, P)."""
        return {span.name: span.transform.constrain(self._part(u, span)) for span in self.spans}

    def unconstrain(self, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return u, shape (S, P), from canonical draws, each of shape (S, ...)."""
        parts = [span.transform.unconstrain(np.asarray(draws[span.name], dtype=float)) for span in self.spans]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    def of_model(self, u: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the model's variables, by their own names, are at one u of shape (P,)."""
        return {
            span.variable: (self._part(u[np.newaxis], span) if span.stands_in else values)[0]
            for span, values in zip(self.spans, self.constrain(u[np.newaxis]).values(), strict=True)
        }

    def from_model(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return canonical draws from draws of the model's variables by their own names, (S, ...) both.

        What PyMC lets underflow to 0 is raised to the smallest normal float, as the transforms here do.
        """
        canonical = {}
        for span in self.spans:
            values = np.asarray(draws[span.variable], dtype=float)
            if span.stands_in:
                values = span.transform.constrain(values)
            elif not isinstance(span.transform, Identity):
                values = np.maximum(values, np.finfo(float).tiny)
            canonical[span.name] = values
        return canonical

    def log_jacobian(self, u: np.ndarray) -> np.ndarray:
        """Return log |det d theta / du|, shape (S,), at u of shape (S, P)."""
        return np.sum([span.transform.log_jacobian(self._part(u, span)) for span in self.spans], axis=0)

    def flat_starts(self, starts: Sequence[Mapping[str, np.ndarray]]) -> list[np.ndarray]:
        """Return u, shape (P,), of each start given by canonical values.

        Raises
        ------
        ValueError
            If there is no start, or one lacks a variable, has one too many, has a wrong shape or is not
            finite.
        """
        if not starts:
            raise ValueError("At least one start is needed.")
        return [self._flat_start(number, start) for number, start in enumerate(starts)]

    def _flat_start(self, number: int, start: Mapping[str, np.ndarray]) -> np.ndarray:
        names = {span.name for span in self.spans}
        if set(start) != names:
            raise ValueError(
                f"Start {number} gives {sorted(start)}, but the model's variables are {sorted(names)}."
            )
        for name, canonical in self.constrain(np.zeros((1, self.size))).items():
            if np.shape(start[name]) != canonical.shape[1:]:
                shapes = f"{np.shape(start[name])}, not {canonical.shape[1:]}"
                raise ValueError(f"Start {number} gives {name!r} the shape {shapes}.")
        u = self.unconstrain({name: np.asarray(value, dtype=float)[None] for name, value in start.items()})[0]
        if not np.all(np.isfinite(u)):
            raise ValueError(f"Start {number} is not finite, or outside of what the variables can be.")
        return u

    @staticmethod
    def _part(u: np.ndarray, span: Span) -> np.ndarray:
        return u[:, span.start : span.stop].reshape(len(u), *span.shape)


class Approximation(ABC):
    """A distribution q in a model's unconstrained coordinates, with the way to its canonical variables.

    u ~ q,    theta = g(u),    log q(theta) = log q(u) - log |det dg/du|

    Attributes
    ----------
    coordinates : Coordinates
        g, by variable.
    """

    coordinates: Coordinates

    def sample(self, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
        """Return n canonical draws, each variable of shape (n, ...)."""
        return self.coordinates.constrain(self.sample_unconstrained(rng, n))

    def log_density(self, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return log q(theta), shape (S,), at canonical draws, the Jacobian included."""
        u = self.coordinates.unconstrain(draws)
        return self.log_density_unconstrained(u) - self.coordinates.log_jacobian(u)

    @property
    @abstractmethod
    def finite(self) -> bool:
        """Whether all parameters are finite numbers."""

    @abstractmethod
    def sample_unconstrained(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n draws of u, shape (n, P)."""

    @abstractmethod
    def log_density_unconstrained(self, u: np.ndarray) -> np.ndarray:
        """Return log q(u), shape (S,), at u of shape (S, P)."""
