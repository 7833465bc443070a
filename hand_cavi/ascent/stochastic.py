r"""Stochastic variational inference: coordinate ascent on minibatches, with steps that shrink.

The full-data update is eta_k = eta_0 + S_k with S_k = sum_i w_i r_ik T(x_i). A batch B of rows drawn at
random gives an unbiased estimate of that sum, and a step moves towards it,

    S_k <- (1 - rho_t) S_k + rho_t (N / |B|) sum_{i in B} w_i r_ik T(x_i),    rho_t = (t + delay)^-forgetting,

which is a step of length rho_t along the natural gradient of the bound, for q(theta) and for q(pi) alike:
the natural parameters of both are linear in S. Steps satisfy Robbins & Monro's conditions for forgetting
in (0.5, 1]. With B all rows and rho = 1 a step is a sweep of coordinate ascent.

Source: Hoffman, Blei, Wang & Paisley (2013), figure 4 and equations 26, 34 and 35.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.ascent.ascend import better_order
from hand_cavi.ascent.preparing import as_responsibilities, in_coordinates
from hand_cavi.ascent.starts import Start, propose
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import Assignments, refresh, summarise
from hand_cavi.elbo import ElboTerms, elbo_terms
from hand_cavi.inputs import InputError, Seed, as_count, as_finite, as_rows, as_sample_weight
from hand_cavi.mixture import Mixture
from hand_cavi.result import Fit, StartOutcome, Status
from hand_cavi.weights.mixing import MixingWeights

_BLOCK = 1 << 14  # rows whose statistics are held at once
_START_ROWS = 10_000  # starts are made from this many rows


@dataclass(frozen=True)
class StochasticTask:
    """The prior, and the data from which batches are read; statistics are made batch by batch.

    Attributes
    ----------
    components, weights
        The prior.
    x : ndarray, shape (N, D)
    sample_weight : ndarray, shape (N,)
    log_volume : float
        Of the coordinates that x and the components are in.
    """

    components: ConjugateFamily
    weights: MixingWeights
    x: np.ndarray
    sample_weight: np.ndarray
    log_volume: float

    def factors(self, sums: np.ndarray) -> tuple[ConjugateFamily, MixingWeights]:
        """Return q(theta) and q(pi) for sums S of shape (K, P)."""
        return self.components.updated(sums), self.weights.updated(sums[:, -1])


@dataclass(frozen=True)
class Steps:
    """The lengths of the steps, rho_t = (t + delay)^-forgetting for t = 1, 2, ..."""

    delay: float
    forgetting: float

    def __post_init__(self) -> None:
        if as_finite(self.delay, "delay").ndim or self.delay < 0:
            raise InputError(f"delay is {self.delay!r}; it must be a number, at least 0")
        if as_finite(self.forgetting, "forgetting").ndim or not 0.5 < self.forgetting <= 1:
            raise InputError(
                f"forgetting is {self.forgetting!r}; steps converge for a number above 0.5 and at most 1"
            )

    def rate(self, t: int) -> float:
        """Return rho_t."""
        return float((t + self.delay) ** -self.forgetting)


def step(task: StochasticTask, sums: np.ndarray, batch: np.ndarray, rate: float) -> np.ndarray:
    """Return S, shape (K, P), after one step.

    Parameters
    ----------
    task : StochasticTask
    sums : ndarray, shape (K, P)
    batch : ndarray of int, shape (B,)
        Rows.
    rate : float
        rho, above 0 and at most 1.
    """
    estimate = len(task.x) / len(batch) * _refreshed(task, sums, batch).sums
    return (1 - rate) * sums + rate * estimate


def bound(task: StochasticTask, sums: np.ndarray) -> tuple[ElboTerms, Assignments]:
    """Return the full data's terms of the bound at these q(theta) q(pi), assignments at their optimum."""
    total, entropy, log_base = np.zeros_like(sums), 0.0, 0.0
    for start in range(0, len(task.x), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(task.x)))
        part = _refreshed(task, sums, rows)
        total, entropy = total + part.sums, entropy + part.entropy
        log_base += float(task.sample_weight[rows] @ task.components.log_base(task.x[rows]))
    log_base -= task.sample_weight.sum() * task.log_volume
    prior = (task.components, task.weights)
    return elbo_terms(prior, task.factors(sums), total, entropy, log_base), Assignments(total, entropy)


def fit_stochastic(
    mixture: Mixture,
    x: ArrayLike,
    *,
    rng: Seed,
    starts: int | np.ndarray = 3,
    batch_size: int = 256,
    passes: int = 20,
    delay: float = 1.0,
    forgetting: float = 0.7,
    sample_weight: ArrayLike | None = None,
    bound_every: int | None = None,
) -> Fit:
    """Fit a mixture by stochastic variational inference.

    Parameters
    ----------
    mixture : Mixture
        The model and its priors.
    x : array_like, shape (N,) or (N, D)
    rng : numpy.random.Generator or int
        Where starts and batches come from; an int is a seed.
    starts : int or ndarray
        As in `hand_cavi.fit`; dispersed starts are made from at most 10,000 rows, drawn at random.
    batch_size : int
        Rows in a batch; all of them if there are no more. Every pass deals out all rows anew.
    passes : int
        How often every row is seen, from each start.
    delay, forgetting : float
        Step t has length (t + delay)^-forgetting; forgetting lies in (0.5, 1].
    sample_weight : array_like, shape (N,), optional
        How many points each row stands for.
    bound_every : int, optional
        Evaluate the full data's bound after every so many passes, for `Fit.elbo_trace`; each costs about
        a pass. Without it, only at the end.

    Returns
    -------
    Fit
        From the start with the highest bound on the full data. Its status is ``Status.STEPS_TAKEN``.

    Raises
    ------
    InputError
        If the data, the weights, the starts or a setting cannot be used.

    Notes
    -----
    The last iterate still carries the noise of its batches, so that the bound stays below coordinate
    ascent's by a gap that shrinks with the last step's length: compare, or finish with a few sweeps of
    ``fit(..., starts=result.responsibilities(x))``.
    """
    rows = as_rows(x)
    weight = as_sample_weight(sample_weight, len(rows))
    batch_size, passes = as_count(batch_size, "batch_size"), as_count(passes, "passes")
    every = passes if bound_every is None else as_count(bound_every, "bound_every")
    steps = Steps(delay, forgetting)
    prior, inner_rows, coordinates = in_coordinates(mixture, rows, weight)
    task = StochasticTask(prior, mixture.weights, inner_rows, weight, coordinates.log_volume)
    generator = np.random.default_rng(rng)

    best: tuple[np.ndarray, ElboTerms, Assignments, list[float]] | None = None
    outcomes = []
    for kind, sums, child in _starting_sums(mixture, task, generator, starts):
        t, trace = 0, []
        for number in range(1, passes + 1):
            order = child.permutation(len(rows))
            for first in range(0, len(rows), batch_size):
                t += 1
                sums = step(task, sums, order[first : first + batch_size], steps.rate(t))
            favoured, gain = better_order(task.weights, sums[:, -1])
            sums = sums[favoured] if gain > 0 else sums
            if number % every == 0 or number == passes:
                terms, assignments = bound(task, sums)
                trace.append(terms.total)
        status = Status.STEPS_TAKEN if np.isfinite(terms.total) else Status.NOT_FINITE
        elbo = terms.total if np.isfinite(terms.total) else -np.inf
        outcomes.append(StartOutcome(kind, elbo, passes, status))
        if best is None or elbo > best[1].total:
            best = sums, terms, assignments, trace
    assert best is not None
    sums, terms, assignments, trace = best
    components, weights = task.factors(sums)
    best_first = tuple(sorted(outcomes, key=lambda outcome: -outcome.elbo))
    return Fit(
        mixture=mixture,
        components=components.seen_from(coordinates.inverse),
        weights=weights,
        elbo_terms=terms,
        half_step_trace=np.column_stack([np.full(len(trace), np.nan), trace]),
        status=best_first[0].status,
        starts=best_first,
        counts=assignments.sums[:, -1],
        _coordinates=coordinates,
    )


def _refreshed(task: StochasticTask, sums: np.ndarray, rows: np.ndarray) -> Assignments:
    """Return the optimal assignments of some rows at the q(theta) q(pi) of S."""
    components, weights = task.factors(sums)
    statistics = task.components.statistics(task.x[rows])
    return refresh(statistics, task.sample_weight[rows], components.expected_phi, weights.expected_log())


def _starting_sums(
    mixture: Mixture, task: StochasticTask, generator: np.random.Generator, starts: int | np.ndarray
) -> list[tuple[str, np.ndarray, np.random.Generator]]:
    """Return each start's kind, sums S of shape (K, P), and generator of batches; more change none."""
    rows_rng, batches_rng = generator.spawn(2)
    chosen = np.arange(len(task.x))
    if isinstance(starts, int | np.integer) and len(chosen) > _START_ROWS:
        counting = np.flatnonzero(task.sample_weight)
        some = min(_START_ROWS, len(counting))
        chosen = np.sort(rows_rng.choice(counting, some, replace=False))
    x, weight = task.x[chosen], task.sample_weight[chosen]
    statistics = task.components.statistics(x)
    if isinstance(starts, int | np.integer):
        landmarks = task.components.landmarks(x)
        points = propose(landmarks, mixture.n_components, generator, as_count(starts, "starts"), weight)
    else:
        points = [Start("given", r) for r in as_responsibilities(starts, len(x), mixture.n_components)]
    begun = []
    for point, child in zip(points, batches_rng.spawn(len(points)), strict=True):
        sums = summarise(statistics, weight, point.responsibilities).sums
        sums *= task.sample_weight.sum() / weight.sum()
        begun.append((point.kind, sums, child))
    return begun
