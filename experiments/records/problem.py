"""A problem: one data set under one model."""

from dataclasses import dataclass, field

import numpy as np

from hand_cavi import Mixture

Draws = dict[str, np.ndarray]
"""Canonical draws by name: arrays (S, K, ...), such as ``mu`` of shape (S, K, D)."""


def as_count(total_weight: float) -> int | float:
    """Return how many points weights stand for: a whole number as one, any other to six decimals."""
    whole = round(total_weight)
    return whole if abs(whole - total_weight) <= 1e-9 * total_weight else round(float(total_weight), 6)


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
    truth_from_prior : bool
        Whether the truth's parameters were drawn from this mixture's own prior: then, given x, they are one
        exact draw from the posterior. For the judge; the store does not keep it.
    """

    mixture: Mixture
    x: np.ndarray
    sample_weight: np.ndarray | None = None
    truth: Draws = field(default_factory=dict)
    condensation: Condensation | None = None
    truth_from_prior: bool = False

    @property
    def n_points(self) -> int | float:
        """The number of points of the data set, whatever stands for them: of weighted rows their sum."""
        if self.condensation is not None:
            return self.condensation.n_points
        return len(self.x) if self.sample_weight is None else as_count(self.sample_weight.sum())

    @property
    def drawn(self) -> tuple[np.ndarray, np.ndarray | None]:
        """What pictures show of the data: points, shape (n, D), and weights, shape (n,), or None."""
        if self.condensation is None or not self.condensation.counts.size:
            return self.x, self.sample_weight
        edges, counts = self.condensation.edges, self.condensation.counts
        return ((edges[1:] + edges[:-1]) / 2)[:, np.newaxis], counts
