"""How far importance weights can be trusted: a method's two k-hats (Vehtari et al. 2024) and their limit."""

from dataclasses import dataclass

import numpy as np

from experiments.records import CellRecord, Estimate
from experiments.report.view import numbers_of

THRESHOLD = 0.7
"""Where a record tells none: the general one of Vehtari et al. (2024)."""


@dataclass(frozen=True)
class Gauge:
    """The k-hats of p/q and p/q_sym (NaN where unknown), and what they must not exceed."""

    single: float
    symmetrised: float
    threshold: float

    @property
    def symmetrised_is_trusted(self) -> bool:
        """Whether the k-hat of p/q_sym is known and good."""
        return self.symmetrised <= self.threshold


def gauges(cell: CellRecord) -> Gauge | None:
    """Return a method's k-hats, or None if it has none."""
    found = numbers_of(cell, "k_hat")
    if found is None or not np.isfinite(found[0]).any():
        return None
    values = [float(value) for value in found[0][:2]]
    threshold = cell.measurements["k_hat"].threshold
    limit = THRESHOLD if threshold is None else threshold.value
    return Gauge(values[0], values[1] if len(values) > 1 else float("nan"), limit)


def is_distrusted(estimate: Estimate) -> bool:
    """Whether an estimate says itself that its k-hat is above its limit."""
    k_hat, limit = estimate.quality.get("k_hat"), estimate.quality.get("k_hat_limit", THRESHOLD)
    return isinstance(k_hat, int | float) and isinstance(limit, int | float) and k_hat > limit
