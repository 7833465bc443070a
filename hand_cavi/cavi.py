"""Coordinate ascent: update the components and weights, refresh the assignments, repeat.

State is what is carried on, StepInfo what is reported about a step. One sweep is two half-steps, each
of which sets its factors to their optimum given the others, so that neither can lower the bound:

    q(theta_k), q(pi)   given q(c):            eta_k = eta_0 + sum_i w_i r_ik T(x_i)
    q(c_i)              given q(theta), q(pi): r_ik proportional to exp(E ln p(x_i | theta_k) + E ln pi_k)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.elbo import ElboTerms, elbo_terms
from hand_cavi.kernels import Assignments, refresh, summarise
from hand_cavi.weights.mixing import MixingWeights


class Status(Enum):
    """How coordinate ascent ended. Reaching the maximum of sweeps is not converging."""

    CONVERGED = "the bound stopped rising"
    MAX_SWEEPS = "the maximum of sweeps was reached before the bound stopped rising"
    STOPPED = "the callback asked to stop"
    NOT_FINITE = "the bound is not a finite number: the data's scale is beyond float64"


@dataclass(frozen=True)
class Task:
    """What stays the same during ascent: the prior, and the data as the sweeps read them.

    Attributes
    ----------
    components, weights
        The prior.
    statistics : ndarray, shape (N, P)
        T(x_i).
    sample_weight : ndarray, shape (N,)
    log_base : float
        sum_i w_i log h(x_i), in the user's units.
    """

    components: ConjugateFamily
    weights: MixingWeights
    statistics: np.ndarray
    sample_weight: np.ndarray
    log_base: float


@dataclass(frozen=True)
class State:
    """q(theta), q(pi), and what q(c) leaves behind."""

    components: ConjugateFamily
    weights: MixingWeights
    assignments: Assignments


@dataclass(frozen=True)
class StepInfo:
    """What a sweep reports.

    Attributes
    ----------
    sweep : int
        Counted from 1.
    after_globals, after_assignments : ElboTerms
        The bound after each half-step.
    """

    sweep: int
    after_globals: ElboTerms
    after_assignments: ElboTerms

    @property
    def elbo(self) -> float:
        """The bound at the end of the sweep, in nats."""
        return self.after_assignments.total


Callback = Callable[[StepInfo], bool | None]


@dataclass(frozen=True)
class StoppingRule:
    """When to stop.

    Attributes
    ----------
    max_sweeps : int
    tolerance : float
        A sweep that raises the bound by no more than this times max(1, |bound|) is quiet.
    patience : int
        This many quiet sweeps in a row are convergence.
    callback : callable, optional
        Called after every sweep with its StepInfo; returning True stops.
    """

    max_sweeps: int
    tolerance: float
    patience: int
    callback: Callback | None = None


def init(task: Task, responsibilities: np.ndarray) -> State:
    """Start from responsibilities, shape (N, K); q(theta) and q(pi) are the prior until the first sweep."""
    assignments = summarise(task.statistics, task.sample_weight, responsibilities)
    return State(task.components, task.weights, assignments)


def sweep(task: Task, state: State, number: int) -> tuple[State, StepInfo]:
    """Do both half-steps once."""
    sums = state.assignments.sums
    components = task.components.updated(sums)
    weights = task.weights.updated(sums[:, -1])
    after_globals = _bound(task, components, weights, state.assignments)
    assignments = refresh(
        task.statistics, task.sample_weight, components.expected_phi, weights.expected_log()
    )
    after_assignments = _bound(task, components, weights, assignments)
    return State(components, weights, assignments), StepInfo(number, after_globals, after_assignments)


def ascend(
    task: Task, responsibilities: np.ndarray, rule: StoppingRule
) -> tuple[State, list[StepInfo], Status]:
    """Sweep from one start until the rule says stop.

    Where the order of the components matters, ascent is taken up again after convergence if
    another order is better.
    """
    state = init(task, responsibilities)
    infos: list[StepInfo] = []
    quiet = 0
    while True:
        state, info = sweep(task, state, len(infos) + 1)
        quiet = quiet + 1 if infos and _is_quiet(infos[-1], info, rule) else 0
        infos.append(info)
        if not np.isfinite(info.elbo):
            return state, infos, Status.NOT_FINITE
        if rule.callback is not None and rule.callback(info):
            return state, infos, Status.STOPPED
        may_go_on = len(infos) < rule.max_sweeps
        if quiet >= rule.patience:
            better = _reordered(task, state, info, rule) if may_go_on else None
            if better is None:
                return state, infos, Status.CONVERGED
            state, quiet = better, 0
        elif not may_go_on:
            return state, infos, Status.MAX_SWEEPS


def _is_quiet(before: StepInfo, after: StepInfo, rule: StoppingRule) -> bool:
    return after.elbo - before.elbo <= rule.tolerance * max(1.0, abs(after.elbo))


def _reordered(task: Task, state: State, info: StepInfo, rule: StoppingRule) -> State | None:
    """Return the state with its components in the order that the weights favour, if that raises the bound.

    Relabelling changes nothing but the terms of the weights, and with q(pi) at its optimum these are
    ln p(c) of the expected counts: E ln p(c | pi) - KL(q(pi), p(pi)) = log_marginal(N).
    """
    sums, log_marginal = state.assignments.sums, task.weights.log_marginal
    order = task.weights.favoured_order(sums[:, -1])
    gain = log_marginal(sums[order, -1]) - log_marginal(sums[:, -1])
    if gain <= max(rule.tolerance, 1e-12) * max(1.0, abs(info.elbo)):
        return None
    return replace(state, assignments=replace(state.assignments, sums=sums[order]))


def _bound(
    task: Task, components: ConjugateFamily, weights: MixingWeights, assignments: Assignments
) -> ElboTerms:
    return elbo_terms(
        (task.components, task.weights),
        (components, weights),
        assignments.sums,
        assignments.entropy,
        task.log_base,
    )
