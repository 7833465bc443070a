"""What a metric may look at: a problem, what a method gave for it, the reference, and the other methods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import xarray as xr

from experiments.posterior.draws import are_independent, as_arrays, effective_sample_size
from experiments.posterior.quantities import invariant_quantities
from experiments.records import CellRecord, Measurement, MethodResult, Problem, Reference
from experiments.relabel import relabel

_MOST_RELABELLED = 4000
"""Independent draws that are relabelled: their Monte-Carlo error is 0.016 sds."""


_FAMILIES = {"cavi": "mean field", "advi": "mean field", "fullrank_advi": "full rank"}


@dataclass(frozen=True)
class Peer:
    """What another method, or the same one, reached on this problem.

    Attributes
    ----------
    method : str
        Its name in the study.
    family : str
        What it searches: ``mean field``, ``full rank``, or a name of its own.
    symmetrised, symmetrised_se : float
        Its F(q_sym) in nats, and the standard error.
    """

    method: str
    family: str
    symmetrised: float
    symmetrised_se: float

    @classmethod
    def of(cls, cell: CellRecord, draws: xr.DataTree) -> Self | None:
        """Return what a cell reached, or None if it has no finite F(q_sym), as no sampler has."""
        stats = as_arrays(draws, "sample_stats")
        if "log_joint" not in stats or "log_q_symmetrised" not in stats:
            return None
        bound = average(stats["log_joint"] - stats["log_q_symmetrised"], "nats")
        if not isinstance(bound.value, float) or not isinstance(bound.standard_error, float):
            return None
        family = family_of(cell.cell.method, cell.info)
        return cls(cell.cell.method, family, bound.value, bound.standard_error)


def family_of(method: str, info: Mapping[str, Any]) -> str:
    """Return what kind of approximation a method searches: what its ``info`` says, else by its name."""
    return str(info.get("family", _FAMILIES.get(method, method)))


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
    method : str
        Its name in the study.
    outcome : str
        How it ended, in its own word.
    info : mapping
        What the method tells besides; see `MethodResult`.
    trace : ndarray, shape (T, 3)
        (seconds, best bound so far, standard error); see `MethodResult`.
    peers : tuple of Peer
        What the methods of the study reached on this problem, this one among them.
    """

    problem: Problem
    draws: xr.DataTree
    bound: float | None
    bound_se: float | None
    seconds_compile: float | None
    seconds_run: float | None
    reference: Reference
    pivot: np.ndarray | None = None
    method: str = ""
    outcome: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    trace: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    peers: tuple[Peer, ...] = ()

    @classmethod
    def of(
        cls,
        problem: Problem,
        result: MethodResult,
        reference: Reference,
        pivot: np.ndarray | None = None,
        *,
        method: str = "",
        peers: tuple[Peer, ...] = (),
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
            method,
            result.outcome,
            result.info,
            result.trace,
            peers,
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

    @cached_property
    def without_reference(self) -> str:
        """Why there are no reference draws to compare these with; empty if there are."""
        if not self.reference.qualified or self.reference.draws is None:
            return f"there is no reference ({self.reference.reason})"
        if self.reference.draws is self.draws:
            return "this run is the reference"
        return "" if self.finite else "some draws are not finite"

    @property
    def symmetrised_how(self) -> str:
        """What F(q_sym) is by the draws' ``log_q_symmetrised``: ``exact``, ``at least`` or ``about``."""
        if "sample_stats" not in self.draws.children:
            return "exact"
        return str(self.draws["sample_stats"].attrs.get("symmetrised", "exact"))

    def rng(self) -> np.random.Generator:
        """Return the metrics' own randomness: the same for every method, so that they are asked alike."""
        return np.random.default_rng(20_240_229)

    @cached_property
    def slowest(self) -> tuple[str, float]:
        """The label-invariant quantity that mixes worst, and its effective sample size; NaN if none."""
        quantities = invariant_quantities(self.problem, self.draws)
        ess = effective_sample_size(np.stack(list(quantities.values()), axis=-1))
        worst = int(np.argmin(np.nan_to_num(ess, nan=-1.0)))
        return list(quantities)[worst], float(ess[worst])

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
