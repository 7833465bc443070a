"""Coordinate ascent: update the components and weights, refresh the assignments, repeat.

State is what is carried on, StepInfo what is reported about a step. One sweep is two half-steps, each
of which sets its factors to their optimum given the others, so that neither can lower the bound:

    q(theta_k), q(pi)   given q(c):            eta_k = eta_0 + sum_i w_i r_ik T(x_i)
    q(c_i)              given q(theta), q(pi): r_ik proportional to exp(E ln p(x_i | theta_k) + E ln pi_k)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import Assignments, Reading, refresh, refresh_rows, softmax_rows, summarise
from hand_cavi.elbo import elbo_terms, with_assignments
from hand_cavi.result import StepInfo
from hand_cavi.sources import Source
from hand_cavi.weights.mixing import MixingWeights

_PIECE = 1 << 20  # rows that several starts look at while the processor's cache holds them


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
    threads : int or None
        Of a sweep over the data; see `hand_cavi.data.kernels.refresh`.
    kernel : str or None
        ``"numpy"`` or ``"numba"``; their number of points and components decides if None.
    rows : ndarray, shape (N, D), or None
        The points in the data's units, if the compiled loop is to make the statistics from them: there is
        less to read.
    reading : Reading or None
        How rows become statistics.
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

    def refreshed(self, expected_phi: np.ndarray, expected_log_weights: np.ndarray) -> Assignments:
        """Return the optimal assignments at E phi_k, (K, P), and E ln pi_k, (K,)."""
        question = expected_phi, expected_log_weights
        if self.rows is not None and self.reading is not None:
            return refresh_rows(self.rows, self.sample_weight, self.reading, *question, self.threads)
        return refresh(
            self.statistics,
            self.sample_weight,
            *question,
            self.threads,
            self.kernel,
        )


@dataclass(frozen=True)
class StreamedTask:
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
    """

    components: ConjugateFamily
    weights: MixingWeights
    source: Source
    reading: Reading
    log_base: float
    threads: int | None = None

    def refreshed(self, expected_phi: np.ndarray, expected_log_weights: np.ndarray) -> Assignments:
        """Return the optimal assignments at E phi_k, (K, P), and E ln pi_k, (K,)."""
        return self.refreshed_many([(expected_phi, expected_log_weights)])[0]

    def refreshed_many(self, questions: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Assignments]:
        """Return the optimal assignments at several E phi and E ln pi, in one pass over the data."""
        sums = [np.zeros_like(expected_phi) for expected_phi, _ in questions]
        entropy = [0.0] * len(questions)
        for block in self.source.blocks():
            for piece in block.pieces(_PIECE):
                for i, question in enumerate(questions):
                    part = refresh_rows(piece.rows, piece.weight, self.reading, *question, self.threads)
                    sums[i] += part.sums
                    entropy[i] += part.entropy
        return [Assignments(*each) for each in zip(sums, entropy, strict=True)]


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


def sweep(task: AnyTask, state: State, number: int) -> tuple[State, StepInfo]:
    """Do both half-steps once."""
    sums = state.assignments.sums
    components = task.components.updated(sums)
    weights = task.weights.updated(sums[:, -1])
    after_globals = elbo_terms(
        (task.components, task.weights),
        (components, weights),
        sums,
        state.assignments.entropy,
        task.log_base,
    )
    assignments = task.refreshed(components.expected_phi, weights.expected_log())
    after_assignments = with_assignments(
        after_globals, (components, weights), assignments.sums, assignments.entropy, task.log_base
    )
    return State(components, weights, assignments), StepInfo(number, after_globals, after_assignments)


def responsibilities(task: Task, state: State) -> np.ndarray:
    """Return r_ik of all points at the state's q(theta) q(pi), shape (N, K); a sweep never holds them."""
    return softmax_rows(task.statistics @ state.components.expected_phi.T + state.weights.expected_log())[0]
