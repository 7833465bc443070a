"""The standard deviations that `elbowroom fit` prints: by linear response where it qualifies."""

from dataclasses import dataclass

import numpy as np

from experiments.commands._data import Data
from experiments.families.components import Figures
from hand_cavi import Fit, InputError
from hand_cavi.ascent.condensed_fit import summary_for
from hand_cavi.linear_response import linear_response

MOST_WORK, MOST_STATISTICS = 1e10, 1500
"""Multiplications of its pass over the data, and statistics of all components, up to which it is tried."""

_LOCATIONS = ("mean", "rate", "probability")


@dataclass(frozen=True)
class Sds:
    """Standard deviations by canonical name, each (K, ...), by linear response; empty: mean field's stand.

    `why_not` says why they stand, if linear response was wanted.
    """

    response: dict[str, np.ndarray]
    why_not: str = ""

    def ratio(self, found: Figures, wider: Figures) -> float:
        """Return the largest ratio of standard deviations of figures `wider` to those of `found`."""
        pairs = [(wider[name], found[name]) for name in ("sd", "weight_sd")]
        ratios = [np.divide(a, b, out=np.ones_like(a), where=np.isfinite(b) & (b > 0)) for a, b in pairs]
        return max(float(ratio.max()) for ratio in ratios)

    @property
    def by(self) -> str:
        """Whose the printed ones are."""
        return "linear response" if self.response else "mean field"

    def put_into(self, found: Figures, fit: Fit) -> Figures:
        """Return a fit's figures with these; what linear response lacks stays as it was."""
        wider = {"weight_sd": self.response.get("weights")}
        if self.response and any(name in found for name in _LOCATIONS):
            wider["sd"] = self.response.get(next(iter(fit.components.mean_draw())))
        return found | {
            name: np.where(np.isfinite(sd), sd, found[name])
            for name, sd in wider.items()
            if sd is not None and sd.shape == found[name].shape
        }


def by_linear_response(data: Data, fit: Fit, threads: int | None = None) -> Sds:
    """Return linear response's standard deviations, or why there are none; on condensed data if need be."""
    summary = summary_for(fit.mixture, data.source, threads) if fit.condensed else None
    n_points, size = data.n_points if summary is None else len(summary.data.x), fit.components.natural.size
    if n_points * size**2 > MOST_WORK or size > MOST_STATISTICS:
        return Sds({}, f"{n_points:,} points of {size} statistics are too many for it here")
    try:
        if summary is not None:
            return Sds(linear_response(fit, summary.data.x, sample_weight=summary.data.weight).sds())
        whole = data.source.spread_out(n_points)
        return Sds(linear_response(fit, whole.rows, sample_weight=whole.weight).sds())
    except InputError as error:
        return Sds({}, str(error))
