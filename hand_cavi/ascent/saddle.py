r"""Saddles: ends of an ascent that are no maximum of the bound, though no sweep leads on by itself.

A start at a point of symmetry, such as one whose responsibilities are all equal, stays there: sweeps treat
alike what is alike, and the bound stops rising though it could rise. What tells is whether sweeps make a
small push grow. A sweep takes the sums S to g(S), and its derivative J at a fixed point is symmetric, with
eigenvalues of 0 or more, in the metric of `ascent.linear_model`: below 1 at a maximum, above 1 along what
leads up from a saddle. Lanczos' method finds the largest from a few products J v, each by one more sweep,

    J v = (g(S + h v) - g(S)) / h,

and what it finds is never larger than the largest there is, so that no maximum is called a saddle.

Source: Giordano, Broderick & Jordan (2018), section 3, for J; Golub & Van Loan (2013), section 10.1.
"""

from dataclasses import replace

import numpy as np

from hand_cavi.ascent.ascend import Ended, MixtureAscent
from hand_cavi.ascent.linear_model import Metric
from hand_cavi.ascent.sweep import AnyTask, State, StreamedTask, sweep
from hand_cavi.result import Status

GROWS = 1.001
"""A push that a sweep multiplies by more than this grows; less may be the rounding of differences."""

_STEP = 1e-4  # posterior standard deviations
_STILL = 1e-3  # and of what still moves by more in a sweep, J is not the derivative at its end
_PRODUCTS = 10  # at most
_SETTLED = 0.02  # of what is left to 1: an estimate that rises by less has settled
_ROWS = 64  # of which the first push is made
_ALIKE = 1e-6


def judged[A: (MixtureAscent, Ended)](task: AnyTask, ascent: A, statistics: np.ndarray) -> A:
    """Return the ascent, with another status if it converged to a saddle.

    Parameters
    ----------
    task : Task or StreamedTask
        Of data that are read anew in every sweep, an end is looked at only if two components are alike.
    ascent : MixtureAscent or Ended
    statistics : ndarray, shape (n, P)
        Of some rows.
    """
    if ascent.status is not Status.CONVERGED or len(ascent.state.assignments.sums) == 1:
        return ascent
    if isinstance(task, StreamedTask) and not _are_alike(ascent.state.assignments.sums):
        return ascent
    grows = growth(task, ascent.state, statistics) > GROWS
    return replace(ascent, status=Status.SADDLE) if grows else ascent


def growth(task: AnyTask, state: State, statistics: np.ndarray) -> float:
    """Return by how much a sweep multiplies the push that grows most, or a little less; 0 before the end."""
    sums = state.assignments.sums
    here = sweep(task, state, 1)[0]
    metric, images, largest = Metric(here), [], 0.0
    if metric.norm(here.assignments.sums - sums) > _STILL:
        return largest
    rows = statistics[:: max(1, len(statistics) // _ROWS)]
    shares = np.random.default_rng(0).standard_normal((len(sums), len(rows)))
    push = (shares - shares.mean(axis=0)) @ rows
    basis: list[np.ndarray] = []
    for _ in range(min(_PRODUCTS, sums.size)):
        for _ in range(2):  # twice is enough
            push = push - sum((np.vdot(v, metric.lowered(push)) * v for v in basis), np.zeros_like(push))
        length = metric.norm(push)
        if not length > 0:
            break
        basis.append(push / length)
        pushed = replace(state.assignments, sums=sums + _STEP * basis[-1])
        there = sweep(task, replace(state, assignments=pushed), 1)[0]
        push = (there.assignments.sums - here.assignments.sums) / _STEP
        images.append(push)
        covectors = metric.lowered(np.array(images))
        product = np.tensordot(np.array(basis), covectors, axes=([1, 2], [1, 2]))
        if not np.isfinite(product).all():
            break
        before, largest = largest, float(np.linalg.eigvalsh((product + product.T) / 2)[-1])
        if largest > GROWS or (len(basis) > 3 and largest - before < _SETTLED * (1 - largest)):
            break
    return largest


def _are_alike(sums: np.ndarray) -> bool:
    """Return whether two components that hold points have the same sums, or sums in proportion."""
    means = sums[sums[:, -1] > 0] / sums[sums[:, -1] > 0, -1:]
    scale = np.maximum(np.abs(means).max(axis=0, initial=0), 1e-300)
    return any(
        np.allclose(means[i] / scale, means[j] / scale, rtol=0, atol=_ALIKE)
        for i in range(len(means))
        for j in range(i)
    )
