"""A problem: one data set under one model, and what a method may ask of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import xarray as xr

from hand_cavi import Mixture

if TYPE_CHECKING:
    import pymc as pm

Draws = dict[str, np.ndarray]
"""Canonical draws by name: arrays (S, K, ...), such as ``mu`` of shape (S, K, D)."""


@dataclass(frozen=True)
class Condensation:
    """How well the weighted nodes of a problem stand for the points of its data set.

    Attributes
    ----------
    exact : bool
        Whether the nodes are the distinct points themselves.
    error, relative_error, draws : float, float, int
        The largest difference between the log likelihood of the nodes and that of all points, in nats, and
        relative to it; at so many draws from CAVI's posterior.
    seconds : float
        Condensing and measuring.
    edges, counts : ndarray, shapes (B + 1,) and (B,)
        A fine histogram of all points, for pictures; empty where nodes are the distinct points.
    """

    n_points: int
    exact: bool
    error: float
    relative_error: float
    draws: int
    seconds: float
    edges: np.ndarray
    counts: np.ndarray

    def sentence(self, n_nodes: int) -> str:
        """Return what a reader is to know of it."""
        what = f"{n_nodes:,} distinct points, weighted," if self.exact else f"{n_nodes:,} weighted nodes"
        return (
            f"{what} stand for {self.n_points:,} points; measured on all points at {self.draws} draws from "
            f"CAVI's posterior, the log likelihood is off by at most {self.error:.1e} nats, "
            f"{self.relative_error:.1e} of itself"
        )


@dataclass(frozen=True)
class Problem:
    """One data set under one model: what every method of a comparison sees.

    Attributes
    ----------
    x : ndarray, shape (N, D)
    sample_weight : ndarray, shape (N,), or None
    truth : dict of ndarray
        What a simulation knows (``mu`` (K, D), ``assignments`` (N,)); empty for real data.
    condensation : Condensation or None
        If x are nodes that stand for a larger data set: how well.
    """

    mixture: Mixture
    x: np.ndarray
    sample_weight: np.ndarray | None = None
    truth: Draws = field(default_factory=dict)
    condensation: Condensation | None = None

    @property
    def n_points(self) -> int:
        """The number of points of the data set, whatever stands for them."""
        return len(self.x) if self.condensation is None else self.condensation.n_points

    @property
    def drawn(self) -> tuple[np.ndarray, np.ndarray | None]:
        """What pictures show of the data: points, shape (n, D), and weights, shape (n,), or None."""
        if self.condensation is None or not self.condensation.counts.size:
            return self.x, self.sample_weight
        edges, counts = self.condensation.edges, self.condensation.counts
        return ((edges[1:] + edges[:-1]) / 2)[:, np.newaxis], counts


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
    def data(self) -> Mapping[str, np.ndarray | None]:
        """The data that a compiled model of this structure is given, by name; empty where it has none."""

    def content(self) -> Mapping[str, object]:
        """Return what identifies the model, for content keys; and its data, where only the model has them."""

    def log_joint(self, draws: Draws) -> np.ndarray:
        """Return log p(x, theta) in nats, shape (S,), whatever is discrete summed out."""

    def pymc_model(self) -> "pm.Model":
        """Return the model in PyMC, with the data."""

    def starts(self, seed: int) -> StartingPoints:
        """Return the dispersed starts of this seed."""

    def quantities(self, tree: xr.DataTree) -> Draws:
        """Return label-invariant functions of chains of draws, by name, each of shape (C, M)."""

    def symmetrise(self, q: Approximation, draws: Draws) -> "Symmetrised | None":
        """Return log q_sym of draws; None where no relabelling leaves the model as it is."""

    def as_tree(
        self,
        chains: Mapping[str, np.ndarray],
        *,
        sample_stats: Mapping[str, np.ndarray] | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> xr.DataTree:
        """Return draws, arrays (C, M, ...), as the DataTree that is stored, with attributes of its draws."""


@dataclass(frozen=True)
class Symmetrised:
    """The log density of q_sym at some draws, and what kind of figure it is.

    Attributes
    ----------
    log_q : ndarray, shape (S,)
        In nats.
    how : str
        What F(q_sym) is by it: ``exact``, ``at least`` or ``about``.
    slack : ndarray, shape (S,)
        Nats by which `log_q` may be too large; where it is ``about``, the size of the estimated part.
    groups : tuple of tuples of int
        The components that were relabelled among each other.
    """

    log_q: np.ndarray
    how: str
    slack: np.ndarray
    groups: tuple[tuple[int, ...], ...]
