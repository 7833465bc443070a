"""What a metric may look at: a problem, what a method gave for it, and the reference."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import xarray as xr

from experiments.draws import are_independent, as_arrays
from experiments.records import Measurement, MethodResult, Problem, Reference
from experiments.relabel import relabel

_MOST_RELABELLED = 4000
"""Independent draws that are relabelled: their Monte-Carlo error is 0.016 sds."""


@dataclass(frozen=True)
class Context:
    """A method's result beside the reference.

    Attributes
    ----------
    problem : Problem
    draws : xarray.DataTree
        As in `MethodResult`: canonical draws, and their ``sample_stats``.
    bound, bound_se : float or None
        What the method itself optimises, in nats, and its standard error.
    seconds_compile, seconds_run : float or None
    reference : Reference
    pivot : ndarray, shape (N, K), or None
        Allocation probabilities that name the components; if None, those of the method's best draw.
    """

    problem: Problem
    draws: xr.DataTree
    bound: float | None
    bound_se: float | None
    seconds_compile: float | None
    seconds_run: float | None
    reference: Reference
    pivot: np.ndarray | None = None

    @classmethod
    def of(
        cls, problem: Problem, result: MethodResult, reference: Reference, pivot: np.ndarray | None = None
    ) -> Self:
        """Return the context of a method's result."""
        return cls(
            problem,
            result.draws,
            result.bound,
            result.bound_se,
            result.seconds_compile,
            result.seconds_run,
            reference,
            pivot,
        )

    @property
    def independent(self) -> bool:
        """Whether the draws are an approximation's: independent, one chain."""
        return are_independent(self.draws)

    @cached_property
    def finite(self) -> bool:
        """Whether all draws are finite numbers."""
        return all(bool(np.isfinite(values).all()) for values in as_arrays(self.draws).values())

    @cached_property
    def relabelled(self) -> xr.DataTree:
        """The draws with their components named as the pivot's; of independent ones, a few thousand."""
        some = self.draws.isel(draw=slice(_MOST_RELABELLED)) if self.independent else self.draws
        return relabel(some, problem=self.problem, pivot=self.pivot)

    def log_ratio(self, denominator: str) -> np.ndarray | None:
        """Return log p(x, theta) minus ``log_q`` or ``log_q_symmetrised`` of every draw, (S,), if known."""
        stats = as_arrays(self.draws, "sample_stats")
        if "log_joint" not in stats or denominator not in stats:
            return None
        return stats["log_joint"] - stats[denominator]


def missing(why: str, unit: str = "") -> Measurement:
    """Return the measurement of a figure that does not exist."""
    return Measurement(None, None, unit, why)


def average(values: np.ndarray, unit: str) -> Measurement:
    """Return the mean of independent values, shape (S,), with its standard error."""
    if not np.isfinite(values).all():
        share = float(np.mean(~np.isfinite(values)))
        return missing(f"it is not finite at {share:.1%} of the draws", unit)
    if len(values) < 2:
        return missing("one draw has no standard error", unit)
    return Measurement(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))), unit)


def by_component(value: np.ndarray, error: np.ndarray, unit: str, note: str = "") -> Measurement:
    """Return figures of shape (K, D) as a list: K numbers if D = 1, else K lists of D."""
    if value.ndim == 2 and value.shape[1] == 1:
        value, error = value[:, 0], error[:, 0]
    return Measurement(value.tolist(), error.tolist(), unit, note)
