"""The standard deviations that `elbowroom fit` prints: by linear response where it qualifies."""

import numpy as np

from experiments.commands._data import Data
from experiments.families.components import Figures
from hand_cavi import Fit, InputError
from hand_cavi.ascent.condensed_fit import summary_for
from hand_cavi.linear_response import linear_response
from hand_cavi.sources import Block

MOST_WORK, MOST_STATISTICS = 1e10, 1500
"""Multiplications of its pass over the data, and statistics of all components, up to which it is tried."""


def widened(found: Figures, fit: Fit, data: Data, threads: int | None) -> tuple[Figures, float]:
    """Return figures with linear response's standard deviations, and the largest factor by which they grew.

    What it lacks stays as it was. If the fit is to condensed data, so is linear response.

    Raises InputError if it does not qualify, or would take long.
    """
    summary = summary_for(fit.mixture, data.source, threads) if fit.condensed else None
    n_points, size = len(summary.data.x) if summary else data.n_points, fit.components.natural.size
    if n_points * size**2 > MOST_WORK or size > MOST_STATISTICS:
        raise InputError(f"{n_points:,} points of {size} statistics are too many for it here")
    whole = Block(summary.data.x, summary.data.weight) if summary else data.source.spread_out(n_points)
    sds = linear_response(fit, whole.rows, sample_weight=whole.weight).sds()
    wider, most = dict(found), 1.0
    for name, one in (("sd", next(iter(fit.components.mean_draw()))), ("weight_sd", "weights")):
        sd, plain = sds.get(one), found[name]
        if sd is not None and sd.shape == plain.shape:
            wider[name] = np.where(np.isfinite(sd), sd, plain)
            ratios = np.divide(wider[name], plain, out=np.ones_like(plain), where=plain > 0)  # not NaN
            most = max(most, float(ratios.max()))
    return wider, most
