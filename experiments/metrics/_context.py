"""What a metric may look at: a problem, what a method gave for it, the reference, and the other methods."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import xarray as xr

from experiments.posterior.draws import (
    are_independent,
    as_arrays,
    as_chains,
    effective_sample_size,
    mean_and_error,
    sd_and_error,
)
from experiments.posterior.predictive import MOST_DRAWS, thinned
from experiments.posterior.quantities import (
    invariant_quantities,
    log_likelihood,
    sorted_locations,
    stored_quantities,
)
from experiments.records import CellRecord, Draws, Measurement, MethodResult, Problem, Reference, Told
from experiments.relabel import relabel

FEWEST_DRAWS = 100
"""Independent draws below which no standard error of theirs is believed: a convention of this project."""

_MOST_RELABELLED = 4000
"""Independent draws that are relabelled: their Monte-Carlo error is 0.016 sds."""

_MOST_TERMS = 2e7
"""Points times components times draws by which a log likelihood is averaged, unless draws are 2000."""

_SEED = 20_240_229


@dataclass(frozen=True)
class Peer:
    """What another method, or the same one, reached on this problem.

    It goes by its name in the study, the family is what it searches (see `Told`), and what it reached is
    F(q_sym) in nats (of a user's own model F(q)), with its standard error.
    """

    method: str
    family: str
    reached: float
    reached_se: float

    @classmethod
    def of(cls, cell: CellRecord, draws: xr.DataTree, *, own: bool = False) -> Self | None:
        """Return what a cell reached, of a mixture or of an `own` model; None without a finite bound."""
        stats, denominator = as_arrays(draws, "sample_stats"), "log_q" if own else "log_q_symmetrised"
        if "log_joint" not in stats or denominator not in stats:
            return None
        bound = average(stats["log_joint"] - stats[denominator], "nats")
        if not isinstance(bound.value, float) or not isinstance(bound.standard_error, float):
            return None
        family = cell.told.family or cell.cell.kind
        return cls(cell.cell.method, family, bound.value, bound.standard_error)


@dataclass(frozen=True)
class Moments:
    """Posterior means and sds of Q quantities, with Monte-Carlo standard errors; each of shape (Q,)."""

    mean: np.ndarray
    mean_error: np.ndarray
    sd: np.ndarray
    sd_error: np.ndarray

    @classmethod
    def of(cls, quantities: Draws, *, independent: bool) -> Self:
        """Return the moments of quantities, by name, each of shape (C, M)."""
        values = np.stack(list(quantities.values()), axis=-1)
        mean = mean_and_error(values, independent=independent)
        return cls(*mean, *sd_and_error(values, independent=independent))


def quantities_of(problem: Problem | None, tree: xr.DataTree, names: Iterable[str] = ()) -> Draws:
    """Return what does not depend on labels and is compared, by name, each of shape (C, M).

    Of a mixture they are the sorted locations; of a user's own model (problem None) what was stored beside
    the draws, in the order of `names`, if there are any.
    """
    if problem is None:
        found = stored_quantities(tree)
        return {name: found[name] for name in names or found}
    return sorted_locations(tree)


@dataclass(frozen=True)
class Context:
    """A method's result beside the reference.

    Attributes
    ----------
    problem : Problem or None
        None for a user's own model, whose draws hold its quantities.
    draws : xarray.DataTree
        As in `MethodResult`, and the reference's own where `is_reference` says so.
    pivot : ndarray, shape (N, K), or None
        Allocation probabilities that name the components; if None, those of the method's best draw.
    method, kind : str
        Its name in the study, and which method it is.
    peers : tuple of Peer
        What the methods of the study reached on this problem, this one among them.
    names : tuple of str
        The order of an own model's quantities; empty: as they are stored.
    """

    problem: Problem | None
    draws: xr.DataTree
    result: MethodResult | CellRecord
    reference: Reference
    pivot: np.ndarray | None = None
    method: str = ""
    kind: str = ""
    peers: tuple[Peer, ...] = ()
    names: tuple[str, ...] = ()
    is_reference: bool = False

    @property
    def mixture(self) -> Problem:
        """The problem, for metrics that only mixtures have."""
        assert self.problem is not None
        return self.problem

    @property
    def told(self) -> Told:
        """What the method tells of its run."""
        return self.result.told

    @property
    def independent(self) -> bool:
        """Whether the draws are an approximation's: independent, one chain."""
        return are_independent(self.draws)

    @cached_property
    def quantities(self) -> Draws:
        """What is compared, by name, each of shape (C, M); see `quantities_of`."""
        return quantities_of(self.problem, self.draws, self.names)

    @cached_property
    def finite(self) -> bool:
        """Whether all draws are finite numbers; of an own model, all quantities."""
        values = self.quantities if self.problem is None else as_arrays(self.draws)
        return all(bool(np.isfinite(one).all()) for one in values.values())

    @cached_property
    def moments(self) -> Moments:
        """Of the quantities."""
        return Moments.of(self.quantities, independent=self.independent)

    @cached_property
    def reference_moments(self) -> Moments:
        """Of the same quantities under the reference, which must have draws."""
        tree = self.reference.draws
        assert tree is not None
        quantities = quantities_of(self.problem, tree, tuple(self.quantities))
        return Moments.of(quantities, independent=are_independent(tree))

    def listed(self, values: np.ndarray, errors: np.ndarray, unit: str) -> Measurement:
        """Return figures of all quantities, shape (Q,): a mixture's by component, others by their names."""
        if self.problem is None:
            return Measurement(values.tolist(), errors.tolist(), unit, entries=tuple(self.quantities))
        shape = (self.problem.mixture.n_components, -1)
        return by_component(values.reshape(shape), errors.reshape(shape), unit)

    @cached_property
    def relabelled(self) -> xr.DataTree:
        """The draws with their components named as the pivot's; of independent ones, a few thousand."""
        some = self.draws.isel(draw=slice(_MOST_RELABELLED)) if self.independent else self.draws
        return relabel(some, problem=self.mixture, pivot=self.pivot)

    @cached_property
    def without_reference(self) -> str:
        """Why there are no reference draws to compare these with; empty if there are."""
        if not self.reference.qualified or self.reference.draws is None:
            return f"there is no reference ({self.reference.reason})"
        if self.is_reference:
            return "this run is the reference"
        if not self.finite:
            return "some draws are not finite"
        n_draws = len(next(iter(as_arrays(self.draws).values())))
        return too_few(n_draws) if self.independent and n_draws < FEWEST_DRAWS else ""

    @cached_property
    def likelihood_moments(self) -> tuple[Moments, Moments] | str:
        """Of ln p(x | theta), or an own model's ln p(x, theta), here and in the reference; or why not."""
        if self.without_reference or self.reference.draws is None:
            return self.without_reference
        found = []
        for tree in (self.draws, self.reference.draws):
            if self.problem is not None:
                terms = len(self.problem.x) * self.problem.mixture.n_components
                most = int(np.clip(_MOST_TERMS / terms, MOST_DRAWS, 10_000))
                values = log_likelihood(self.problem, thinned(tree, most))
            elif "log_joint" in (stats := as_chains(tree, "sample_stats")):
                values = stats["log_joint"]
            else:
                return "ln p(x, theta) of the draws is not kept"
            if not np.isfinite(values).all():
                return "it is not finite at some draws"
            found.append(Moments.of({"it": values}, independent=are_independent(tree)))
        return found[0], found[1]

    @property
    def symmetrised_how(self) -> str:
        """What F(q_sym) is by the draws' ``log_q_symmetrised``: ``exact``, ``at least`` or ``about``."""
        if "sample_stats" not in self.draws.children:
            return "exact"
        return str(self.draws["sample_stats"].attrs.get("symmetrised", "exact"))

    def rng(self) -> np.random.Generator:
        """Return the metrics' own randomness: the same for every method, so that they are asked alike."""
        return np.random.default_rng(_SEED)

    @cached_property
    def slowest(self) -> tuple[str, float]:
        """The label-invariant quantity that mixes worst, and its effective sample size; NaN if none."""
        problem = self.problem
        quantities = self.quantities if problem is None else invariant_quantities(problem, self.draws)
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


def too_few(n_draws: int) -> str:
    """Return why so few draws have no figure with an error."""
    return f"{n_draws} draw{'s are' if n_draws != 1 else ' is'} too few; a figure needs {FEWEST_DRAWS}"


def average(values: np.ndarray, unit: str) -> Measurement:
    """Return the mean of independent values, (S,), with its standard error; missing if they are too few."""
    if not np.isfinite(values).all():
        share = float(np.mean(~np.isfinite(values)))
        return missing(f"it is not finite at {share:.1%} of the draws", unit)
    if len(values) < FEWEST_DRAWS:
        return missing(too_few(len(values)), unit)
    return Measurement(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))), unit)


def by_component(value: np.ndarray, error: np.ndarray, unit: str, note: str = "") -> Measurement:
    """Return figures of shape (K, D) as a list: K numbers if D = 1, else K lists of D."""
    if value.ndim == 2 and value.shape[1] == 1:
        value, error = value[:, 0], error[:, 0]
    return Measurement(value.tolist(), error.tolist(), unit, note)
