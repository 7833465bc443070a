"""The standard deviations that `elbowroom fit` prints: mean field's, linear response's, or by sampling."""

import numpy as np

from experiments.commands._data import Data
from experiments.families.components import Figures
from experiments.records import Draws
from hand_cavi import Fit, InputError, Status
from hand_cavi.ascent.cautions import overlapping
from hand_cavi.ascent.condensing import summary_for
from hand_cavi.linear_response import linear_response
from hand_cavi.sources import Block

MOST_WORK, MOST_STATISTICS, MOST_SAMPLED = 1e10, 1500, 100_000
"""Multiplications of linear response's pass over the data, and statistics, and rows to sample, at most."""


def widths(
    found: Figures, fit: Fit, data: Data, threads: int | None, way: str
) -> tuple[Figures, float, str, str]:
    """Return figures with sds by the way asked for, by how much they grew, who gave them, and why no other.

    ``auto`` is linear response, and sampling where components overlap and linear response does not qualify.
    """
    why = []
    if way in ("auto", "linear-response"):
        try:
            return *_wider(found, _by_linear_response(fit, data, threads)), "linear response", ""
        except InputError as error:
            why.append(f"no linear response: {error}")
    some = fit.status is Status.CONVERGED and data.n_points <= MOST_SAMPLED
    if some and way in ("auto", "sampling"):
        whole = data.source.spread_out(data.n_points)
        from experiments.studies.sampled_widths import sampled_sds  # slow to import, and seldom needed

        try:
            if way == "sampling" or overlapping(fit, whole.rows, whole.weight).any():
                return *_wider(found, sampled_sds(fit, whole.rows, whole.weight)), "sampling", ""
        except InputError as error:
            why.append(f"no sampling: {error}")
    return found, 1.0, "mean field", "; ".join(why)


def _by_linear_response(fit: Fit, data: Data, threads: int | None) -> Draws:
    """Return them by canonical name; of a fit to condensed data, by these."""
    summary = summary_for(fit.mixture, data.source, threads) if fit.condensed else None
    n_points, size = len(summary.data.x) if summary else data.n_points, fit.components.natural.size
    if n_points * size**2 > MOST_WORK or size > MOST_STATISTICS:
        raise InputError(f"{n_points:,} points of {size} statistics are too many for it here")
    whole = Block(summary.data.x, summary.data.weight) if summary else data.source.spread_out(n_points)
    return linear_response(fit, whole.rows, sample_weight=whole.weight).sds()


def _wider(found: Figures, sds: Draws) -> tuple[Figures, float]:
    """Return figures with other sds, what these lack as it was, and the largest factor by which they grew."""
    wider, most = dict(found), 1.0
    for name, one in (("sd", next(name for name in sds if name != "weights")), ("weight_sd", "weights")):
        sd, plain = sds.get(one), found[name]
        if sd is not None and sd.shape == plain.shape:
            wider[name] = np.where(np.isfinite(sd), sd, plain)
            ratios = np.divide(wider[name], plain, out=np.ones_like(plain), where=plain > 0)  # not NaN
            most = max(most, float(ratios.max()))
    return wider, most
