r"""Split-and-merge moves: from one optimum towards another, each kept only if the bound rises.

K stays: one component is emptied into another, and half of a third takes its place,

    merge   r_i <- r_i + r_j,  r_j <- 0        split   r_k -> a part that stays, a part that goes to j

(or nothing does, which is a merge alone; or j was empty before, which is a split alone). With q(theta) and
q(pi) at their optimum the bound is a function of q(c) alone,

    L(q(c)) = sum_k [log Z(eta_0 + S_k) - log Z(eta_0)] + sum_i w_i log h(x_i) + log_marginal(N) + H[q(c)],

where S_k = sum_i w_i r_ik T(x_i): the exact marginal of a set, for fractional members. So proposals are
ranked by what they change at once, and the ascent from each decides.

Source: Ueda, Nakano, Ghahramani & Hinton (2000), SMEM; Ueda & Ghahramani (2002) for variational Bayes.
Their ranking is by overlap and local misfit; ours is by the bound.
"""

from dataclasses import dataclass

import numpy as np

from hand_cavi.ascent.ascend import MixtureAscent, StoppingRule, ascend
from hand_cavi.ascent.starts import bisect
from hand_cavi.ascent.sweep import Task, init, responsibilities
from hand_cavi.numerics.special import entr
from hand_cavi.result import MoveOutcome, Status

_SHORTLIST = 5  # merges, and splits, of which all combinations are ranked


@dataclass(frozen=True)
class Move:
    """Component j goes into i; then the points that leave k, if any, go to j.

    Attributes
    ----------
    i, j : int
    k : int or None
    leaves : ndarray of bool, shape (N,), or None
    gain : float
        What the bound changes by, in nats, with q(theta) and q(pi) at their optimum before and after.
    """

    i: int
    j: int
    k: int | None
    leaves: np.ndarray | None
    gain: float

    @property
    def kind(self) -> str:
        """What it does, in words."""
        return "merge" if self.k is None else "merge and split"

    def of(self, r: np.ndarray) -> np.ndarray:
        """Return the responsibilities after the move, shape (N, K)."""
        r = r.copy()
        r[:, self.i] += r[:, self.j]
        r[:, self.j] = 0
        if self.k is not None:
            r[self.leaves, self.j], r[self.leaves, self.k] = r[self.leaves, self.k], 0
        return r


def improve(
    task: Task,
    landmarks: np.ndarray,
    ascent: MixtureAscent,
    rule: StoppingRule,
    n: int,
    rng: np.random.Generator,
    accelerate: bool = False,
) -> tuple[MixtureAscent, tuple[MoveOutcome, ...]]:
    """Try at most n moves, one ascent each, the most promising first; anew after each that is kept.

    Parameters
    ----------
    task : Task
    landmarks : ndarray, shape (N, anything)
        Splits are along these.
    ascent : MixtureAscent
        Where to go on from.
    rule : StoppingRule
        For the ascent from each move.
    n : int
    rng : numpy.random.Generator
        Splits are drawn from it.
    accelerate : bool
        See `hand_cavi.ascent.ascend.ascend`.

    Returns
    -------
    ascent : MixtureAscent
        The best found; the given one if no move was kept.
    outcomes : tuple of MoveOutcome
        In the order they were tried.
    """
    outcomes: list[MoveOutcome] = []
    going_on = ascent.status is not Status.NOT_FINITE
    while going_on:
        going_on = False
        r = responsibilities(task, ascent.state)
        for move in promising(task, landmarks, r, rng):
            if len(outcomes) == n:
                return ascent, tuple(outcomes)
            tried = ascend(task, init(task, move.of(r)), rule, accelerate)
            kept = tried.elbo - ascent.elbo > max(rule.negligible(ascent.elbo), 1e-9 * abs(ascent.elbo))
            outcomes.append(MoveOutcome(move.kind, ascent.elbo, tried.elbo, kept, len(tried.infos)))
            if kept:
                ascent, going_on = tried, True
                break
    return ascent, tuple(outcomes)


def promising(task: Task, landmarks: np.ndarray, r: np.ndarray, rng: np.random.Generator) -> list[Move]:
    """Return moves from responsibilities r, shape (N, K), those that gain most at once first.

    All combinations of the best few merges with the best few splits, with a split of the merged
    component itself, and with no split.
    """
    weight = task.sample_weight
    sums = (r * weight[:, np.newaxis]).T @ task.statistics
    counts = sums[:, -1]
    log_z = _log_z(task, sums)  # of each component, over the prior's

    def split(column: np.ndarray, log_z_whole: float) -> tuple[float, np.ndarray, float]:
        """Return the gain in log Z of splitting a column of r, who leaves, and how many they are."""
        mass = weight * column
        leaves = bisect(landmarks, rng, mass)
        parts = np.stack([mass * ~leaves, mass * leaves]) @ task.statistics
        return float(_log_z(task, parts).sum()) - log_z_whole, leaves, float(parts[1, -1])

    def move(i: int, j: int, k: int | None, leaves: np.ndarray | None, n_leaving: float, gain: float) -> Move:
        after = counts.copy()
        after[i], after[j] = counts[i] + counts[j], n_leaving
        if k is not None:
            after[k] -= n_leaving
        gain += float(task.weights.log_marginal(after) - task.weights.log_marginal(counts))
        return Move(i, j, k, leaves, gain)

    splits = {k: split(r[:, k], log_z[k]) for k in range(len(counts)) if counts[k] > 0}
    likely = [k for k in sorted(splits, key=lambda k: -splits[k][0]) if splits[k][1].any()]
    moves = []
    for i, j in _likely_merges(task, sums, log_z):
        log_z_merged = float(_log_z(task, sums[i] + sums[j]))
        gain = log_z_merged - log_z[i] - log_z[j] - _entropy_of_which(r[:, i], r[:, j], weight)
        moves.append(move(i, j, None, None, 0.0, gain))
        for k in [k for k in likely if k not in (i, j)][:_SHORTLIST]:
            moves.append(move(i, j, k, splits[k][1], splits[k][2], gain + splits[k][0]))
        if counts[i] + counts[j] > 0:
            more, leaves, n_leaving = split(r[:, i] + r[:, j], log_z_merged)
            if leaves.any():
                moves.append(move(i, j, i, leaves, n_leaving, gain + more))
    return sorted(moves, key=lambda move: -move.gain)


def _log_z(task: Task, sums: np.ndarray) -> np.ndarray:
    """Return log Z(eta_0 + S) - log Z(eta_0), shape (...), for sums S of shape (..., P)."""
    return task.components.log_partition(task.components.natural + sums) - task.components.log_z


def _likely_merges(task: Task, sums: np.ndarray, log_z: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs (i, j) whose merging costs least in log Z, the larger component first."""
    pairs: list[tuple[float, int, int]] = []
    order = np.argsort(-sums[:, -1], kind="stable")
    for position, i in enumerate(order[:-1]):
        others = order[position + 1 :]
        gains = _log_z(task, sums[i] + sums[others]) - log_z[i] - log_z[others]
        pairs += [(float(gain), int(i), int(j)) for gain, j in zip(gains, others, strict=True)]
    return [(i, j) for _, i, j in sorted(pairs, key=lambda pair: -pair[0])[:_SHORTLIST]]


def _entropy_of_which(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> float:
    """Return the entropy that merging two columns of r gives up: which of the two a point belongs to."""
    return float(weight @ (entr(first) + entr(second) - entr(first + second)))
