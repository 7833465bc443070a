"""Coordinate ascent: update the components and weights, refresh the assignments, repeat.

State is what is carried on, StepInfo what is reported about a step. One sweep is two half-steps, each
of which sets its factors to their optimum given the others, so that neither can lower the bound:

    q(theta_k), q(pi)   given q(c):            eta_k = eta_0 + sum_i w_i r_ik T(x_i)
    q(c_i)              given q(theta), q(pi): r_ik proportional to exp(E ln p(x_i | theta_k) + E ln pi_k)

The second needs a pass over the data. So that one pass can serve several ascents, a sweep is a generator: it
yields the expectations in the second line, and is sent the assignments. `serve` makes the passes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from hand_cavi.ascent.checkpoint import Log, about
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import (
    Assignments,
    Expectations,
    Reading,
    refresh,
    refresh_rows,
    softmax_rows,
    summarise,
)
from hand_cavi.elbo import elbo_terms, with_assignments
from hand_cavi.result import StepInfo
from hand_cavi.sources import Source
from hand_cavi.weights.mixing import MixingWeights

_PIECE = 1 << 20  # rows that several starts look at while the processor's cache holds them


class Data(ABC):
    """The prior, and data that passes are made over."""

    components: ConjugateFamily
    weights: MixingWeights
    log_base: float
    log: Log | None

    def refreshed(self, expected_phi: np.ndarray, expected_log_weights: np.ndarray) -> Assignments:
        """Return the optimal assignments at E phi_k, (K, P), and E ln pi_k, (K,)."""
        return self.refreshed_many([(expected_phi, expected_log_weights)])[0]

    def refreshed_many(self, expectations: Sequence[Expectations]) -> list[Assignments]:
        """Return the optimal assignments at several expectations: one pass, or the log's record of it."""
        if self.log is None:
            return self._passed(expectations)
        return self.log.through(about(self.log_base, self.components.natural), expectations, self._passed)

    @abstractmethod
    def _passed(self, expectations: Sequence[Expectations]) -> list[Assignments]:
        """Make a pass over the data."""


@dataclass(frozen=True)
class Task(Data):
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
    threads : int or None
        Of a sweep over the data; see `hand_cavi.data.kernels.refresh`.
    kernel : str or None
        ``"numpy"`` or ``"numba"``; their number of points and components decides if None.
    rows : ndarray, shape (N, D), or None
        The points in the data's units, if the compiled loop is to make the statistics from them: there is
        less to read.
    reading : Reading or None
        How rows become statistics.
    log : Log or None
        Where passes are written down.
    """

    components: ConjugateFamily
    weights: MixingWeights
    statistics: np.ndarray
    sample_weight: np.ndarray
    log_base: float
    threads: int | None = None
    kernel: str | None = None
    rows: np.ndarray | None = None
    reading: Reading | None = None
    log: Log | None = None

    def _passed(self, expectations: Sequence[Expectations]) -> list[Assignments]:
        if self.rows is None or self.reading is None:
            read = self.statistics, self.sample_weight
            return [refresh(*read, *each, self.threads, self.kernel) for each in expectations]
        rows, reading = self.rows, self.reading
        weight = self.sample_weight if self._is_weighted else None
        return [refresh_rows(rows, weight, reading, *each, self.threads) for each in expectations]

    @cached_property
    def _is_weighted(self) -> bool:
        return bool((self.sample_weight != 1).any())


@dataclass(frozen=True)
class StreamedTask(Data):
    """The same for data whose statistics are not held: every sweep reads the rows anew.

    Attributes
    ----------
    components, weights
        The prior.
    source : Source
    reading : Reading
        How rows become statistics.
    log_base : float
        sum_i w_i log h(x_i), in the user's units.
    threads : int or None
    log : Log or None
        Where passes are written down.
    """

    components: ConjugateFamily
    weights: MixingWeights
    source: Source
    reading: Reading
    log_base: float
    threads: int | None = None
    log: Log | None = None

    def _passed(self, expectations: Sequence[Expectations]) -> list[Assignments]:
        of_part = partial(_refreshed, reading=self.reading, expectations=expectations, threads=self.threads)
        return self.source.reduced(of_part, _added)


def _refreshed(
    part: Source, begins: int, *, reading: Reading, expectations: Sequence[Expectations], threads: int | None
) -> list[Assignments]:
    """Return the optimal assignments of some rows at several expectations."""
    found = [Assignments(np.zeros_like(expected_phi), 0.0) for expected_phi, _ in expectations]
    for block in part.blocks():
        for piece in block.pieces(_PIECE):
            for i, each in enumerate(expectations):
                found[i] += refresh_rows(piece.rows, piece.weight, reading, *each, threads)
    return found


def _added(parts: Sequence[list[Assignments]]) -> list[Assignments]:
    return [sum(each[1:], each[0]) for each in zip(*parts, strict=True)]


AnyTask = Task | StreamedTask


@dataclass(frozen=True)
class State:
    """q(theta), q(pi), and what q(c) leaves behind."""

    components: ConjugateFamily
    weights: MixingWeights
    assignments: Assignments


def init(task: Task, responsibilities: np.ndarray) -> State:
    """Start from responsibilities, shape (N, K); q(theta) and q(pi) are the prior until the first sweep."""
    assignments = summarise(task.statistics, task.sample_weight, responsibilities)
    return State(task.components, task.weights, assignments)


type Asking[R] = Generator[Expectations, Assignments, R]
"""What yields expectations, is sent the optimal assignments at them, and so on until it returns an R."""


def sweeping(task: AnyTask, state: State, number: int) -> Asking[tuple[State, StepInfo]]:
    """Do both half-steps once."""
    sums = state.assignments.sums
    components = task.components.updated(sums)
    weights = task.weights.updated(sums[:, -1])
    after_globals = elbo_terms(
        (task.components, task.weights), (components, weights), sums, state.assignments.entropy, task.log_base
    )
    assignments = yield components.expected_phi, weights.expected_log()
    after_assignments = with_assignments(
        after_globals, (components, weights), assignments.sums, assignments.entropy, task.log_base
    )
    return State(components, weights, assignments), StepInfo(number, after_globals, after_assignments)


def serve[R](
    task: AnyTask, asking: Sequence[Asking[R]], after_round: Callable[[], None] = lambda: None
) -> list[R]:
    """Run all to their ends in step: each pass over the data serves all that ask.

    Parameters
    ----------
    task : Task or StreamedTask
        Whose passes they are.
    asking : sequence of generators
    after_round : callable
        Called whenever each has come to its next question or to its end, before the pass.

    Returns
    -------
    list
        What each returned, in their order.
    """
    ends: dict[int, R] = {}
    answers: dict[int, Assignments | None] = dict.fromkeys(range(len(asking)))
    while answers:
        asked: dict[int, Expectations] = {}
        for i, answer in answers.items():
            try:
                asked[i] = next(asking[i]) if answer is None else asking[i].send(answer)
            except StopIteration as end:
                ends[i] = end.value
        after_round()
        made = task.refreshed_many(list(asked.values())) if asked else []
        answers = dict(zip(asked, made, strict=True))
    return [ends[i] for i in range(len(asking))]


def sweep(task: AnyTask, state: State, number: int) -> tuple[State, StepInfo]:
    """Do both half-steps once, with a pass over the data between them."""
    return serve(task, [sweeping(task, state, number)])[0]


def responsibilities(task: Task, state: State) -> np.ndarray:
    """Return r_ik of all points at the state's q(theta) q(pi), shape (N, K); a sweep never holds them."""
    return softmax_rows(task.statistics @ state.components.expected_phi.T + state.weights.expected_log())[0]
