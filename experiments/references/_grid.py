"""The sparse tensor grid of the quadrature: where the posterior of the means is, and nowhere else.

See docs/mathematics.md, section 6. The nodes that count are found from coarse boxes of nodes to single ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import factorial

import numpy as np
from scipy.special import logsumexp

from experiments.references._density_of_means import DensityOfMeans

MAX_NODES = 4 * 10**6
"""Boxes kept in one level at most; it bounds the memory to well below 1 GB."""

MAX_WORK = 10**9
"""Boxes looked at in one level, times points, at most; it bounds the time to some ten seconds."""

_CHUNK = 1 << 17  # boxes looked at at once
_PRIOR_SDS = 8.5  # how far the grid reaches: 2e-17 of a normal lies outside
_NEGLIGIBLE = 26.0  # nats below the peak, on top of what a mode's narrowness explains
_COARSEST = 16  # boxes per axis at the start
_PROMISING = 4  # boxes from whose middle the peak is sought


class GridTooLargeError(Exception):
    """The posterior is spread over more nodes than are feasible."""


@dataclass(frozen=True)
class Axis:
    """Nodes mu_g = centre + stretch sinh(step (g - middle)), the same for every component."""

    centre: float
    stretch: float
    step: float
    middle: int

    @property
    def n_nodes(self) -> int:
        """G."""
        return 2 * self.middle + 1

    def at(self, g: np.ndarray) -> np.ndarray:
        """Return mu at positions g, whole or not."""
        return self.centre + self.stretch * np.sinh(self.step * (g - self.middle))

    def log_width(self, g: np.ndarray) -> np.ndarray:
        """Return ln d mu / d g."""
        return np.log(self.stretch * self.step) + np.log(np.cosh(self.step * (g - self.middle)))


def axis_for(density: DensityOfMeans, spacing: float) -> Axis:
    """Return nodes that are `spacing` times tau apart, or closer, wherever data are."""
    seen = np.append(density.x[density.weight > 0], density.prior_mean)
    centre, radius = (seen.max() + seen.min()) / 2, (seen.max() - seen.min()) / 2
    widest = spacing * density.narrowest
    stretch = 2 * radius + 12 * widest
    step = widest / np.hypot(stretch, radius)
    reach = radius + _PRIOR_SDS * np.sqrt(density.prior_variance)
    return Axis(centre, stretch, step, int(np.ceil(np.arcsinh(reach / stretch) / step)))


@dataclass(frozen=True)
class Grid:
    """The nodes that count, shape (M, K): integers whose rows ascend, and come in lexicographic order.

    `log_mass`, shape (M,), is the log of p(x, mu) times the node's volume, for one of its `n_arrangements`,
    shape (M,); `log_left_out` is an upper bound on the log of the integral over what was left out.
    """

    axis: Axis
    nodes: np.ndarray
    log_mass: np.ndarray
    n_arrangements: np.ndarray
    log_left_out: float

    @property
    def log_evidence(self) -> float:
        """The log of the sum."""
        return float(logsumexp(self.log_mass, b=self.n_arrangements))


def sparse_grid(density: DensityOfMeans, spacing: float) -> Grid:
    """Find the nodes that count, by branch and bound.

    Raises
    ------
    GridTooLargeError
        If a level has too many boxes, or keeps too many.
    """
    axis = axis_for(density, spacing)
    n_components = density.n_components
    edges = axis.at(np.arange(axis.n_nodes + 1) - 0.5)
    mode_narrowness = n_components * np.log(np.sqrt(density.prior_variance) / density.narrowest)
    size = 1 << max(0, int(np.ceil(np.log2(axis.n_nodes / _COARSEST))))
    first = range(-(-axis.n_nodes // size))
    boxes = np.array(list(combinations_with_replacement(first, n_components)), dtype=np.int32)
    chunks = iter([boxes])
    peak = log_left_out = -np.inf
    while True:
        low = np.arange(0, axis.n_nodes, size)
        high = np.minimum(low + size, axis.n_nodes) - 1
        log_width = np.log(edges[high + 1] - edges[low])
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        looked_at = n_kept = 0
        for boxes in chunks:
            looked_at += len(boxes)
            bound = density.bound_over(axis.at(low), axis.at(high), boxes)
            peak = max(peak, _peak_near(density, axis, ((low + high) / 2)[boxes], bound))
            keep = bound > peak - _NEGLIGIBLE - mode_narrowness
            if not keep.all():
                left_out = logsumexp((bound + log_width[boxes].sum(axis=1))[~keep])
                log_left_out = float(np.logaddexp(log_left_out, left_out + np.log(factorial(n_components))))
            kept.append((boxes[keep], bound[keep]))
            n_kept += len(kept[-1][0])
            if n_kept > MAX_NODES or looked_at * len(density.x) > MAX_WORK:
                raise GridTooLargeError(
                    f"it needs more than {MAX_NODES:,} nodes, or too long for {len(density.x):,} points"
                )
        boxes, bound = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        if size == 1:
            log_mass = bound + axis.log_width(boxes).sum(axis=1)
            in_order = np.lexsort(boxes.T[::-1])
            nodes = boxes[in_order]
            return Grid(axis, nodes, log_mass[in_order], _arrangements(nodes), log_left_out)
        size //= 2
        chunks = _halves(boxes, -(-axis.n_nodes // size))


def grid_draws(
    rng: np.random.Generator, density: DensityOfMeans, grid: Grid, n: int, excess: float = 1.5
) -> np.ndarray:
    """Return independent draws of the means from their posterior, named at random, shape (n, K).

    The density's multilinear interpolant on the grid is drawn from (a node, and a triangular step from it
    along every axis) and thinned by rejection to the density itself, so that the grid leaves no trace.
    Their ratio is taken to stay below `excess`: between nodes 0.8 tau apart a normal exceeds its interpolant
    by at most 8 % an axis. If that is too low, it is raised and the drawing starts again.
    """
    probability = grid.n_arrangements * np.exp(grid.log_mass - grid.log_mass.max())
    cumulative = np.cumsum(probability)
    accepted: list[np.ndarray] = []
    while sum(map(len, accepted)) < n:
        n_proposed = int(1.1 * excess * (n - sum(map(len, accepted)))) + 20
        node = np.searchsorted(cumulative, rng.random(n_proposed) * cumulative[-1], side="right")
        position = rng.permuted(grid.nodes[node], axis=1).astype(np.float64)
        position += rng.triangular(-1, 0, 1, size=position.shape)
        mu = grid.axis.at(position)
        log_density = density.log_density(mu) + grid.axis.log_width(position).sum(axis=1)
        ratio = np.exp(log_density - _log_interpolant(grid, position))
        if ratio.max() > excess:
            return grid_draws(rng, density, grid, n, 1.2 * float(ratio.max()))
        accepted.append(mu[rng.random(n_proposed) * excess < ratio])
    return np.concatenate(accepted)[:n]


def _log_interpolant(grid: Grid, position: np.ndarray) -> np.ndarray:
    """Return the log of the multilinear interpolant of the nodes' mass, (M, K) to (M,)."""
    keys, n_nodes = _key(grid.nodes, grid.axis.n_nodes), grid.axis.n_nodes
    corner, fraction = np.floor(position).astype(np.int64), position - np.floor(position)
    total = np.full(len(position), -np.inf)
    for side in product((0, 1), repeat=position.shape[1]):
        share = np.prod(np.where(side, fraction, 1 - fraction), axis=1)
        key = _key(np.sort(corner + np.array(side), axis=1), n_nodes)
        found = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        log_mass = np.where(keys[found] == key, grid.log_mass[found], -np.inf)
        with np.errstate(divide="ignore"):
            total = np.logaddexp(total, log_mass + np.log(share))
    return total


def _key(nodes: np.ndarray, n_nodes: int) -> np.ndarray:
    """Return one integer for each row, in lexicographic order."""
    return nodes.astype(np.int64) @ (n_nodes ** np.arange(nodes.shape[1])[::-1]).astype(np.int64)


def _peak_near(density: DensityOfMeans, axis: Axis, middle: np.ndarray, bound: np.ndarray) -> float:
    """Return the highest log density found uphill of the most promising boxes."""
    promising = np.argsort(-bound)[:_PROMISING]
    return float(density.log_density(density.uphill_of(axis.at(middle[promising]))).max())


def _halves(boxes: np.ndarray, n_boxes: int) -> Iterator[np.ndarray]:
    """Give the halves along every axis of ascending boxes, such as ascend and are on the grid, in chunks."""
    side = np.array(list(product((0, 1), repeat=boxes.shape[1])), dtype=np.int32)
    size = _CHUNK // len(side)
    for start in range(0, len(boxes), size):
        halves = (2 * boxes[start : start + size, np.newaxis, :] + side).reshape(-1, boxes.shape[1])
        on_grid = (halves[:, -1] < n_boxes) & (np.diff(halves, axis=1) >= 0).all(axis=1)
        yield halves[on_grid]


def _arrangements(nodes: np.ndarray) -> np.ndarray:
    """Return how many orders each ascending row has: K! over the factorials of its repetitions."""
    n_orders = np.full(len(nodes), float(factorial(nodes.shape[1])))
    run = np.ones(len(nodes))
    for k in range(1, nodes.shape[1]):
        run = np.where(nodes[:, k] == nodes[:, k - 1], run + 1, 1)
        n_orders /= run
    return n_orders
