"""Ascent from one start: sweep, plainly or with extrapolation, until the bound stops rising.

The sweeps are `ascent.sweep`'s, the extrapolation is `ascent.acceleration`'s; here is when to stop, and how
it ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from hand_cavi.ascent.acceleration import Extrapolation
from hand_cavi.ascent.sweep import AnyTask, Asking, State, serve, sweeping
from hand_cavi.elbo import ElboTerms
from hand_cavi.inputs import InputError, as_count
from hand_cavi.result import Status, StepInfo
from hand_cavi.weights.mixing import MixingWeights

Callback = Callable[[StepInfo], bool | None]


@dataclass(frozen=True)
class StoppingRule:
    """When to stop.

    Attributes
    ----------
    max_sweeps : int
    tolerance : float
        A sweep that raises the bound by no more than this times max(1, |bound|) has stalled.
    patience : int
        This many stalled sweeps in a row are convergence.
    callback : callable, optional
        Called after every sweep with its StepInfo; returning True stops.
    tolerance_nats : float
        A sweep that raises the bound by no more than this, in nats, has stalled too.
    """

    max_sweeps: int
    tolerance: float
    patience: int
    callback: Callback | None = None
    tolerance_nats: float = 0.0

    @classmethod
    def of(
        cls,
        max_sweeps: int,
        tolerance: float,
        patience: int,
        callback: Callback | None = None,
        tolerance_nats: float = 0.0,
    ) -> Self:
        """Return the rule of settings that a user gave; raise InputError if one is none."""
        return cls(
            as_count(max_sweeps, "max_sweeps"),
            as_tolerance(tolerance, "tolerance"),
            as_count(patience, "patience"),
            callback,
            as_tolerance(tolerance_nats, "tolerance_nats"),
        )

    def negligible(self, elbo: float) -> float:
        """Return the gain, in nats, that a sweep must exceed at this bound to count as progress."""
        return max(self.tolerance * max(1.0, abs(elbo)), self.tolerance_nats)


def as_tolerance(value: float, name: str) -> float:
    """Return a number of 0 or more; raise InputError if it is not finite, or below 0."""
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"{name} is {value!r}; it must be finite and not negative")
    return float(value)


@dataclass(frozen=True)
class MixtureAscent:
    """One ascent: where it ended, what its sweeps reported, and how it ended."""

    state: State
    infos: tuple[StepInfo, ...]
    status: Status

    @property
    def elbo(self) -> float:
        """The bound at the end, in nats; below every other if it is not a number."""
        elbo = self.infos[-1].elbo
        return -np.inf if np.isnan(elbo) else elbo

    @property
    def terms(self) -> ElboTerms:
        """Those of the bound at the end."""
        return self.infos[-1].after_assignments

    @property
    def half_step_trace(self) -> np.ndarray:
        """The bound after each half-step, shape (sweeps, 2)."""
        return np.array([[i.after_globals.total, i.after_assignments.total] for i in self.infos])


@dataclass(frozen=True)
class Ended:
    """What is left of one of many ascents: `terms` and `half_step_trace` are those of `MixtureAscent`."""

    state: State
    status: Status
    terms: ElboTerms
    half_step_trace: np.ndarray


def ascend(task: AnyTask, state: State, rule: StoppingRule, accelerate: bool = False) -> MixtureAscent:
    """Sweep from one start until the rule says stop, making the passes over the data; see `ascending`."""
    return serve(task, [ascending(task, state, rule, accelerate)])[0]


def ascending(
    task: AnyTask, state: State, rule: StoppingRule, accelerate: bool = False
) -> Asking[MixtureAscent]:
    """Sweep from one start until the rule says stop; with extrapolation, if asked for.

    Plain sweeps alone count as stalled, and after a sweep or an extrapolation that gained nothing comes a
    plain sweep. Where the order of the components matters, ascent is taken up again after convergence if
    another order is better.
    """
    infos: list[StepInfo] = []
    extrapolation = Extrapolation(task) if accelerate else None
    stalled, gained, plain = 0, False, True
    while True:
        if extrapolation is None:
            state, info = yield from sweeping(task, state, len(infos) + 1)
        else:
            before = infos[-1] if infos else None
            state, info, plain = yield from extrapolation.step(state, before, allowed=gained)
        gained = not infos or not _has_stalled(infos[-1], info, rule)
        stalled = 0 if gained else stalled + plain
        infos.append(info)
        if not np.isfinite(info.elbo):
            return MixtureAscent(state, tuple(infos), Status.NOT_FINITE)
        if rule.callback is not None and rule.callback(info):
            return MixtureAscent(state, tuple(infos), Status.STOPPED)
        may_go_on = len(infos) < rule.max_sweeps
        if stalled >= rule.patience:
            better = _reordered(task, state, rule.negligible(info.elbo), info.elbo) if may_go_on else None
            if better is None:
                return MixtureAscent(state, tuple(infos), Status.CONVERGED)
            state, stalled = better, 0
            if extrapolation is not None:
                extrapolation.forget()
        elif not may_go_on:
            return MixtureAscent(state, tuple(infos), Status.MAX_SWEEPS)


def _has_stalled(before: StepInfo, after: StepInfo, rule: StoppingRule) -> bool:
    return after.elbo - before.elbo <= rule.negligible(after.elbo)


def _reordered(task: AnyTask, state: State, negligible: float, elbo: float) -> State | None:
    """Return the state with its components in the order that the weights favour, if that raises the bound."""
    sums = state.assignments.sums
    order, gain = better_order(task.weights, sums[:, -1])
    if gain <= max(negligible, 1e-12 * max(1.0, abs(elbo))):
        return None
    return replace(state, assignments=replace(state.assignments, sums=sums[order]))


def better_order(weights: MixingWeights, counts: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the order of the components that the weights favour, (K,) indices, and its gain in nats.

    Relabelling changes nothing but the terms of the weights, and with q(pi) at its optimum these are
    ln p(c) of the expected counts: E ln p(c | pi) - KL(q(pi), p(pi)) = log_marginal(N).
    """
    order = weights.favoured_order(counts)
    return order, float(weights.log_marginal(counts[order]) - weights.log_marginal(counts))
