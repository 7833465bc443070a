"""What belongs beside the figures of an ascent's end: which components hold no points, and which overlap.

A component without points has the prior's mean and standard deviation, whatever the data are. Where
components overlap, mean field takes the assignments for better known than they are, and its standard
deviations are too small. How much of component k is in doubt is

    sum_i w_i r_ik (1 - r_ik) / sum_i w_i r_ik,

the chance that two draws of the assignment of one of its points differ about k. It is the block of counts in
the M of `hand_cavi.linear_response`, as a share of what would be known if the assignments were. `Occupation`
asks the same of draws from any q or sampler.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.inputs import as_rows, as_sample_weight
from hand_cavi.numerics.special import softmax
from hand_cavi.result import Fit
from hand_cavi.result.occupation import OCCUPIED, listed, occupied, on_empty

IN_DOUBT = 0.01
"""The share in doubt from which components count as overlapping; a convention of this project.

Of two equal normal components of unknown variance, those of the means are then a twentieth too small.
"""


OFTEN_EMPTY = 0.05
"""The share of the draws without points from which it is told; a convention of this project."""


class CautionWarning(UserWarning):
    """What belongs beside a fit's figures."""


_BLOCK = 1 << 20  # numbers held at once: 8 MB
_SOME = 10_000  # rows among which different ones are looked for first


def doubt(fit: Fit, x: ArrayLike, sample_weight: ArrayLike | None = None) -> np.ndarray:
    """Return the share of each component that is in doubt, shape (K,), between 0 and 1; 0 for an empty one.

    Parameters
    ----------
    fit : Fit
    x : array_like, shape (N,) or (N, D)
        The data of the fit, or some of them.
    sample_weight : array_like, shape (N,), optional

    Raises
    ------
    InputError
        If the points cannot be those of the fit.
    """
    rows = as_rows(x)
    weight = as_sample_weight(sample_weight, len(rows))
    count, open_ = np.zeros(len(fit.counts)), np.zeros(len(fit.counts))
    step = max(1, _BLOCK // len(count))
    for start in range(0, len(rows), step):
        r = fit.responsibilities(rows[start : start + step])
        w = weight[start : start + step]
        count += w @ r
        open_ += w @ (r * (1 - r))
    return np.divide(open_, count, out=np.zeros_like(count), where=occupied(fit) & (count > 0))


def overlapping(fit: Fit, x: ArrayLike, sample_weight: ArrayLike | None = None) -> np.ndarray:
    """Return which components overlap others, shape (K,); parameters as of `doubt`."""
    return doubt(fit, x, sample_weight) >= IN_DOUBT


@dataclass(frozen=True)
class Occupation:
    """What components hold under draws of theta: all of shape (K,).

    Attributes
    ----------
    points, doubt, empty : ndarray
        Expected points, E[sum_i w_i p_ik], where p_ik = p(c_i = k | x_i, theta); the share of them in doubt,
        E[sum_i w_i p_ik (1 - p_ik)] of these; the share of draws without any, E[prod_i (1 - p_ik)^w_i].
    assigned : bool
        Whether q has assignments beside theta. Then one q(c) stands for all draws, the best beside them:
        p_ik propto exp(E_q[ln pi_k + ln p(x_i | theta_k)]) (Bishop, PRML, 2006, 10.9).
    """

    points: np.ndarray
    doubt: np.ndarray
    empty: np.ndarray
    assigned: bool

    @classmethod
    def of(cls, terms: Iterable[np.ndarray], weight: np.ndarray, *, assigned: bool) -> Self:
        """Look at ln pi_k + ln p(x_i | theta_k), some draws at a time, (B, N, K); `weight` is (N,)."""
        if assigned:
            sums = [(len(block), block.sum(axis=0)) for block in terms]
            terms = [np.sum([one for _, one in sums], axis=0, keepdims=True) / sum(n for n, _ in sums)]
        found = []
        for block in terms:
            p = softmax(block)
            none = np.exp(weight @ np.log1p(-np.minimum(p, 1 - 1e-12)))
            found.append(np.stack([weight @ p, weight @ (p * (1 - p)), none], axis=1))
        points, in_doubt, empty = np.concatenate(found).mean(axis=0)
        doubt = np.divide(in_doubt, points, out=np.zeros_like(points), where=points >= OCCUPIED)
        return cls(points, doubt, empty, assigned)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What belongs beside the components' figures."""
        holds, overlaps = self.points >= OCCUPIED, self.doubt >= IN_DOUBT
        often = np.where(holds & (self.empty >= OFTEN_EMPTY) & (not self.assigned), self.empty, 0.0)
        overlap = on_overlap(overlaps) if self.assigned else on_doubt(overlaps)
        return tuple(one for one in (on_empty(holds), on_emptied(often), overlap) if one)


def on_few_points(x: np.ndarray, n_components: int, sample_weight: np.ndarray | None = None) -> str:
    """Say, before a fit, if there are fewer points, or different ones, than components; or nothing.

    Weights, shape (N,), count: a row of weight 3 is 3 points, one of weight 0 none.
    """
    n_points: float = len(x)
    if sample_weight is not None:
        n_points, x = float(sample_weight.sum()), x[sample_weight > 0]
    points = "1 point" if n_points == 1 else f"{n_points:,.10g} points"
    if n_points < n_components:
        empty = int(np.ceil(n_components - n_points))
        return f"{points} for {n_components} components; at least {empty} must stay empty"
    for some in (x[:_SOME], x):
        different = len(np.unique(some, axis=0))
        if different >= n_components:
            return ""
    values = "1 value" if different == 1 else f"{different} different values"
    return f"{points} with {values} for {n_components} components; more than {different} cannot be told apart"


def on_overlap(overlaps: Sequence[bool] | np.ndarray) -> str:
    """Say which components overlap, counted from 1 in the order given, and what of it; or nothing."""
    those = [k for k, one in enumerate(overlaps, 1) if one]
    if not those:
        return ""
    if len(those) == 1:
        return f"component {those[0]} overlaps others: its mean-field standard deviations are too small"
    return f"components {listed(those)} overlap: their mean-field standard deviations are too small"


def on_emptied(empty: Sequence[float] | np.ndarray) -> str:
    """Say in what share of the draws components hold no points, shape (K,); nothing of a share of 0."""
    those = [f"component {k} holds no points in {100 * one:.0f} %" for k, one in enumerate(empty, 1) if one]
    whose = "its" if len(those) == 1 else "their"
    said = ", ".join(those)
    return f"{said} of the draws: there {whose} figures are the prior's" if said else ""


def on_doubt(overlaps: Sequence[bool] | np.ndarray) -> str:
    """Say which components overlap where no standard deviation suffers from it; or nothing."""
    those = [k for k, one in enumerate(overlaps, 1) if one]
    if not those:
        return ""
    who = (
        f"component {those[0]} overlaps others" if len(those) == 1 else f"components {listed(those)} overlap"
    )
    return f"{who}: which points are whose is in doubt, and with it who is who in a draw"
