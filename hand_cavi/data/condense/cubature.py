"""Positive cubature of measures in a square that are known by their moments and some of their points.

A measure mu on [-1, 1]^2 is given by m_ij = integral of T_i(t_1) T_j(t_2) d mu, i + j <= 7: 36 moments, of
Chebyshev polynomials. No more than 36 points with positive weights have the same moments (Tchakaloff 1957).
Such points are sought in two steps.

**On a grid.** Of all weights on the 8 x 8 zeros of T_8, those that have the moments and are nearest to
Fejer's weights d_g are w = d (V' lambda), with V_lg = T_i T_j at the point g; where none is negative, they
are taken. Else, of weights that are not negative, those that minimise sum_g w_g^2 / d_g are

    w_g = d_g max(0, (V' lambda)_g),    lambda maximising  m'lambda - sum_g d_g max(0, (V' lambda)_g)^2 / 2,

a concave function, piecewise quadratic, which Newton's method climbs in a few steps, all measures at once.

**On points of the measure's own.** A measure in a sliver, on a curve or on few points may have no positive
weights on a grid. Then they are looked for on some of its points, and on these and finer grids, over
about their range and over the square, by non-negative least squares (Lawson & Hanson 1974).

Where both fail, the better is kept, and how good it is returned.
"""

import numpy as np

from hand_cavi.data.condense.gauss import chebyshev

SIDE = 8
"""One more than the degree of the polynomials that are summed exactly."""

LEFT, RIGHT = np.array([(i, j) for i in range(SIDE) for j in range(SIDE - i)]).T
"""i and j of the moments, in their order."""

N_MOMENTS, N_NODES = len(LEFT), SIDE**2

_ENOUGH = 1e-13  # of the mass: a residual that rounding leaves
_STEPS, _HALVINGS = 12, 8
_AT_ONCE = 512  # measures, so that temporaries are some MB
_RIDGE = 1e-13


def _fejer() -> tuple[np.ndarray, np.ndarray]:
    """Return the zeros of T_8, and Fejer's weights for the uniform density on [-1, 1]."""
    angle = (np.arange(SIDE) + 0.5) * np.pi / SIDE
    even = np.arange(2, SIDE, 2)
    weight = 1 - 2 * np.sum(np.cos(np.outer(angle, even)) / (even**2 - 1), axis=1)
    return np.cos(angle), weight / weight.sum()


def _square(t: np.ndarray) -> np.ndarray:
    """Return all pairs, shape (n^2, 2), of numbers, shape (n,)."""
    return np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2)


_ZEROS, _WEIGHTS = _fejer()
GRID = _square(_ZEROS)
_FEJER = np.outer(_WEIGHTS, _WEIGHTS).ravel()
_INSIDE = 1 - 1e-10  # so that rounding leaves every node in its cell
_FINER = _INSIDE * _square(np.cos(np.arange(2 * SIDE + 1) * np.pi / (2 * SIDE)))
_STRETCH = 1.05


def products(t: np.ndarray) -> np.ndarray:
    """Return T_i(t_1) T_j(t_2), i + j <= 7, shape (..., 36), of t, shape (..., 2)."""
    values = chebyshev(t, SIDE)
    return values[..., 0, LEFT] * values[..., 1, RIGHT]


_AT_GRID = products(GRID).T  # V, shape (36, 64)


def cubature(
    moments: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes and positive weights of C measures with given moments.

    Parameters
    ----------
    moments : ndarray, shape (C, 36)
        m_ij in the order of `LEFT` and `RIGHT`, with m_00 > 0.
    points : ndarray, shape (C, any, 2)
        Some points of each measure.

    Returns
    -------
    which : ndarray of int, shape (M,)
        The measure that each node is of, in order.
    t : ndarray, shape (M, 2)
    weight : ndarray, shape (M,)
        Above zero.
    residual : ndarray, shape (C,)
        The largest difference between the nodes' moments and the given ones, as a share of m_00.
    """
    mass = moments[:, :1]
    target = moments / mass
    weight, residual = np.empty((len(target), N_NODES)), np.empty(len(target))
    for start in range(0, len(target), _AT_ONCE):
        here = slice(start, start + _AT_ONCE)
        weight[here], residual[here] = _on_the_grid(target[here])
    which, node = np.nonzero(weight)
    found = [(which, GRID[node], weight[which, node])]
    for c in np.flatnonzero(residual > _ENOUGH):
        t, w, left = _on_points(target[c], points[c])
        if left < residual[c]:
            found[0] = tuple(each[found[0][0] != c] for each in found[0])
            found.append((np.full(len(w), c), t, w))
            residual[c] = left
    which, t, w = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(which, kind="stable")
    return which[order], t[order], (w * mass[which, 0])[order], residual


def _on_the_grid(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights on the grid, shape (C, 64), not negative, and what they miss, shape (C,)."""
    root = _AT_GRID * np.sqrt(_FEJER)
    multiplier = np.linalg.solve(root @ root.T, target.T).T
    weight, residual = np.zeros((len(target), N_NODES)), np.full(len(target), np.inf)
    open_ = np.arange(len(target))
    for step in range(_STEPS):
        slope = multiplier @ _AT_GRID
        now = _FEJER * np.maximum(slope, 0)
        missing = target[open_] - now @ _AT_GRID.T
        left = np.abs(missing).max(axis=1)
        better = left < residual[open_]
        weight[open_[better]], residual[open_[better]] = now[better], left[better]
        go_on = left > _ENOUGH
        if not go_on.any() or step == _STEPS - 1:
            break
        open_, multiplier, slope, missing = (each[go_on] for each in (open_, multiplier, slope, missing))
        active = root * (slope > 0)[:, np.newaxis, :]
        hessian = active @ active.transpose(0, 2, 1)
        hessian[:, np.arange(N_MOMENTS), np.arange(N_MOMENTS)] += _RIDGE
        ahead = np.linalg.solve(hessian, missing[..., np.newaxis])[..., 0]
        multiplier = multiplier + _length(multiplier, ahead, missing, target[open_])[:, np.newaxis] * ahead
    return weight, residual


def _length(multiplier: np.ndarray, ahead: np.ndarray, missing: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the share of each Newton step, 1, 1/2, 1/4, ..., that raises the concave function enough."""

    def height(at: np.ndarray) -> np.ndarray:
        return np.sum(at * target, axis=1) - np.maximum(at @ _AT_GRID, 0) ** 2 @ _FEJER / 2

    begins, rise, length = height(multiplier), np.sum(missing * ahead, axis=1), np.ones(len(ahead))
    for _ in range(_HALVINGS):
        ends = height(multiplier + length[:, np.newaxis] * ahead)
        short = ~(ends >= begins + 1e-4 * length * rise - 1e-13 * np.abs(begins))
        if not short.any():
            break
        length[short] /= 2
    return length


def _on_points(target: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return nodes, weights and what they miss, for one measure, from some of its points."""
    from scipy.optimize import nnls

    own = np.unique(points, axis=0)
    middle, reach = (own.max(axis=0) + own.min(axis=0)) / 2, np.ptp(own, axis=0) / 2
    around = np.clip(middle + _STRETCH * reach * _FINER, -_INSIDE, _INSIDE)
    best: tuple[np.ndarray, np.ndarray, float] = own, np.zeros(len(own)), np.inf
    for candidates in (own, np.concatenate([own, around]), np.concatenate([own, around, _FINER])):
        values = products(candidates).T
        try:
            weight, _ = nnls(values, target)
        except RuntimeError:  # too many iterations
            continue
        left = float(np.abs(target - values @ weight).max())
        if left < best[2]:
            used = weight > 0
            best = candidates[used], weight[used], left
        if left <= _ENOUGH:
            break
    return best
