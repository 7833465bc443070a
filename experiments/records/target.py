"""What a method may ask of a model with its data, and what it may be answered with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from experiments.records.problem import Draws

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr


class Approximation(Protocol):
    """A distribution q(theta) that can be drawn from and evaluated, in the data's units."""

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n canonical draws, arrays of shape (n, K, ...)."""

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return log q of any canonical draws, shape (S,)."""


class StartingPoints(Protocol):
    """Dispersed starts of a problem, the same for every method; more starts change none of the first."""

    @property
    def seed(self) -> int:
        """Where they come from."""

    def parameters(self, n: int) -> list[Draws]:
        """Return n starting points, by the names of the model's variables."""


class Target(Protocol):
    """What a method, the judge and the report may ask of a model with its data, whatever kind it is of.

    Mixtures and models of a user's own are two classes of it (`experiments.methods`).
    """

    @property
    def structure(self) -> str | None:
        """All that a compiled model depends on, its data apart; None if it cannot be given other data."""

    @property
    def data(self) -> Mapping[str, np.ndarray]:
        """The data, by their names in the model: what a compiled model of this structure is given."""

    def content(self) -> Mapping[str, object]:
        """Return what identifies the model, for content keys; and its data, where only the model has them."""

    def log_joint(self, draws: Draws) -> np.ndarray:
        """Return log p(x, theta) in nats, shape (S,), whatever is discrete summed out."""

    def pymc_model(self) -> "pm.Model":
        """Return the model in PyMC, with the data."""

    def starts(self, seed: int) -> StartingPoints:
        """Return the dispersed starts of this seed."""

    def quantities(self, tree: "xr.DataTree") -> Draws:
        """Return label-invariant functions of chains of draws, by name, each of shape (C, M)."""

    def symmetrise(self, q: Approximation, draws: Draws) -> "Symmetrised | None":
        """Return log q_sym of draws; None where no relabelling leaves the model as it is."""

    def as_tree(
        self,
        chains: Mapping[str, np.ndarray],
        *,
        sample_stats: Mapping[str, np.ndarray] | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> "xr.DataTree":
        """Return draws, arrays (C, M, ...), as the DataTree that is stored, with attributes of its draws."""


@dataclass(frozen=True)
class Symmetrised:
    """The log density of q_sym at some draws, and what kind of figure it is.

    Attributes
    ----------
    log_q, slack : ndarray, shape (S,)
        In nats; by how many it may be too large, or, where it is ``about``, the size of the estimated part.
    how : str
        What F(q_sym) is by it: ``exact``, ``at least`` or ``about``.
    groups : tuple of tuples of int
        The components that were relabelled among each other.
    """

    log_q: np.ndarray
    how: str
    slack: np.ndarray
    groups: tuple[tuple[int, ...], ...]
