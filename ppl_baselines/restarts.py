"""Restarts of a stochastic optimisation, chosen by a fresh bound; a language's search is what is conducted.

Every restart has a start of its own. All are screened for a few steps and ranked by estimates of F on common
random numbers; the best go on to the end, where the best of those wins. The winner's bound is then estimated
on new draws, so that having been chosen does not flatter it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from ppl_baselines.convergence import Status, change, judge
from ppl_baselines.unconstrained import Approximation, Coordinates
from ppl_baselines.vi_result import AdviResult, Checkpoint

STEPS = 5_000
SCREEN_STEPS = 300
KEEP = 2
LEARNING_RATE = 0.1
FINAL_LEARNING_RATE = 0.01


class Search(Protocol):
    """One kind of q for one model, and how it is searched; a state is all that steps update."""

    @property
    def coordinates(self) -> Coordinates:
        """The layout of u."""

    def begin(self, start: np.ndarray, seed: int) -> Any:
        """Return a state at u, shape (P,), with an optimiser without memory."""

    def average(self) -> Any:
        """Return an average of states that has seen none yet."""

    def advance(self, state: Any, n_steps: int, learning_rate: float, average: Any = None) -> np.ndarray:
        """Take steps, each of which enters the average; return their losses, shape (n_steps,)."""

    def approximation(self, state: Any, average: Any = None) -> Approximation:
        """Return q as it stands, or with averaged parameters."""

    def log_weights(self, q: Any, rng: np.random.Generator, n_draws: int) -> np.ndarray:
        """Return log p(x, u) - log q(u) at fresh draws u ~ q, shape (n_draws,); its mean estimates F(q).

        The Jacobians of theta = g(u) are in both terms and cancel, so this is log p(x, theta) - log q(theta)
        too.
        """


@dataclass
class _Restart:
    """One start, and how far it has come."""

    number: int
    state: Any
    average: Any = None
    approximation: Approximation | None = None
    elbo: float = -np.inf
    losses: list[np.ndarray] = field(default_factory=list)
    log_weights: list[np.ndarray] = field(default_factory=list)

    @property
    def steps(self) -> int:
        return sum(map(len, self.losses))

    @property
    def failed(self) -> bool:
        return self.elbo == -np.inf


@dataclass
class _Course:
    """What all restarts share: the clock, the common draws, the trace."""

    search: Search
    seed: int  # of the common draws
    draws: int
    seconds: float = 0.0
    seconds_estimating: float = 0.0
    trace: list[Checkpoint] = field(default_factory=list)

    def advance(self, restart: _Restart, n_steps: int, learning_rate: float) -> None:
        """Take steps, then set a checkpoint."""
        begun = perf_counter()
        losses = self.search.advance(restart.state, n_steps, learning_rate, restart.average)
        stepped = perf_counter()
        q = self.search.approximation(restart.state, restart.average)
        finite = bool(np.isfinite(losses).all()) and q.finite
        if finite:
            log_weights = self.search.log_weights(q, np.random.default_rng(self.seed), self.draws)
            restart.log_weights.append(log_weights)
            finite = bool(np.isfinite(log_weights).all())
        self.seconds += stepped - begun
        self.seconds_estimating += perf_counter() - stepped

        restart.losses.append(losses)
        restart.elbo = log_weights.mean() if finite else -np.inf
        restart.approximation = q
        if finite:
            self.trace.append(
                Checkpoint(
                    restart.number, restart.steps, self.seconds, restart.elbo, _standard_error(log_weights)
                )
            )


def run(
    search: Search,
    starts: Sequence[Mapping[str, np.ndarray]],
    *,
    seed: int,
    learning_rate: float = LEARNING_RATE,
    steps: int = STEPS,
    screen_steps: int = SCREEN_STEPS,
    keep: int = KEEP,
    final_learning_rate: float | None = FINAL_LEARNING_RATE,
    checkpoints: int = 20,
    draws: int = 500,
    final_draws: int = 4_000,
    tolerance: float = 0.05,
) -> AdviResult:
    """Fit from every start, and return the best.

    Parameters
    ----------
    search : Search
        A language's, of one model.
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``; one restart each.
    seed : int
        The draws of one restart do not depend on how many others there are.
    learning_rate : float
        Of Adam: about the most that an unconstrained number moves in one step.
    steps : int
        Of each restart that goes on after the screening; the screening counts.
    screen_steps : int
        Of every restart, before they are ranked.
    keep : int
        How many go on. One that fails on the way is replaced by the next in rank.
    final_learning_rate : float, optional
        Reached geometrically in the second quarter of ``steps`` and held from then on. While it is held, q is
        the average over the steps so far, so that Adam's wandering does not blur the end. None keeps the
        first rate and the last step, as `pm.fit` does.
    checkpoints : int
        Estimates of the bound between screening and end.
    draws, final_draws : int
        Of each checkpoint, and of the final bound.
    tolerance : float
        A change of the bound, in nats, that no longer matters; see `ppl_baselines.convergence`.

    Returns
    -------
    AdviResult

    Raises
    ------
    ValueError
        If there is no start, or one does not fit the model.
    """
    flat_starts = search.coordinates.flat_starts(starts)
    common, final, *step_seeds = (
        int(child.generate_state(1)[0]) for child in np.random.SeedSequence(seed).spawn(2 + len(starts))
    )
    screen_steps = min(screen_steps, steps)
    course = _Course(search, common, draws)

    begun = (search.begin(start, of) for start, of in zip(flat_starts, step_seeds, strict=True))
    restarts = [_Restart(number, state) for number, state in enumerate(begun)]
    for restart in restarts:
        course.advance(restart, screen_steps, learning_rate)

    finished: list[_Restart] = []
    ends = np.unique(np.linspace(screen_steps, steps, checkpoints + 1).astype(int))[1:]
    for restart in sorted(restarts, key=lambda restart: restart.elbo, reverse=True):
        if restart.failed or len(finished) == keep:
            break
        for end in ends:
            rate = _learning_rate(end / steps, learning_rate, final_learning_rate)
            if final_learning_rate is not None and 2 * end >= steps and restart.average is None:
                restart.average = search.average()
            course.advance(restart, int(end) - restart.steps, rate)
            if restart.failed:
                break
        if not restart.failed:
            finished.append(restart)

    best = max(finished, key=lambda restart: restart.elbo, default=None)
    log_weights = np.array([])
    if best is not None and best.approximation is not None:
        log_weights = search.log_weights(best.approximation, np.random.default_rng(final), final_draws)
    rise, rise_se = (np.nan, np.nan) if best is None else change(best.log_weights)
    return AdviResult(
        status=Status.NON_FINITE if best is None else judge(rise, rise_se, tolerance),
        elbo=float(log_weights.mean()) if log_weights.size else np.nan,
        elbo_se=_standard_error(log_weights),
        log_weights=log_weights,
        change=rise,
        change_se=rise_se,
        approximation=None if best is None else best.approximation,
        best=None if best is None else best.number,
        restart_elbos=np.array([restart.elbo for restart in restarts]),
        trace=tuple(course.trace),
        losses=np.array([]) if best is None else np.concatenate(best.losses),
        seconds=course.seconds,
        seconds_estimating=course.seconds_estimating,
    )


def _learning_rate(progress: float, initial: float, final: float | None) -> float:
    """Return the rate after a share of the steps: a quarter first, a quarter descending, half final."""
    if final is None:
        return initial
    descended = np.clip(4 * progress - 1, 0.0, 1.0)
    return float(initial * (final / initial) ** descended)


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else np.nan
