"""ADVI with restarts, chosen by a fresh bound: prepare, run, result.

maximise over q:  F(q) = E_q[log p(x, theta) - log q(theta)],    q Gaussian in unconstrained coordinates

`pm.fit` starts every component of a mixture at the same point, which is a saddle, and reports noisy one-draw
losses. Here every restart has a start of its own. All are screened for a few steps and ranked by estimates of
F on common random numbers; the best go on to the end, where the best of those wins. The winner's bound is
then estimated on new draws, so that having been chosen does not flatter it. The two kinds, mean-field and
full-rank, differ in the parameters of q and in nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from ppl_baselines.convergence import Status, change, judge
from ppl_baselines.errors import UnavailableError
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.pymc.log_density import LogDensity
from ppl_baselines.pymc.vi_steps import KINDS, Average, Kind, State, advance, approximation, begin
from ppl_baselines.vi_result import AdviResult, Checkpoint

__all__ = ["AdviResult", "Checkpoint", "Status", "run"]

STEPS = 5_000
SCREEN_STEPS = 300
KEEP = 2
LEARNING_RATE = 0.1
FINAL_LEARNING_RATE = 0.01


@dataclass
class _Restart:
    """One start, and how far it has come."""

    number: int
    state: State
    average: Average | None = None
    approximation: GaussianApproximation | None = None
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

    log_density: LogDensity
    seed: int  # of the common draws
    draws: int
    seconds: float = 0.0
    seconds_estimating: float = 0.0
    trace: list[Checkpoint] = field(default_factory=list)

    def advance(self, restart: _Restart, n_steps: int, learning_rate: float) -> None:
        """Take steps, then set a checkpoint."""
        begun = perf_counter()
        losses = advance(self.log_density, restart.state, n_steps, learning_rate, restart.average)
        stepped = perf_counter()
        q = approximation(restart.state, self.log_density.coordinates, restart.average)
        finite = np.isfinite(losses).all() and np.isfinite(q.mean).all() and np.isfinite(q.factor).all()
        if finite:
            log_weights = _log_weights(self.log_density, q, np.random.default_rng(self.seed), self.draws)
            restart.log_weights.append(log_weights)
            finite = np.isfinite(log_weights).all()
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
    log_density: LogDensity,
    starts: Sequence[Mapping[str, np.ndarray]],
    *,
    kind: Kind,
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
    log_density : LogDensity
        The model's.
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``; one restart each.
    kind : {"mean_field", "full_rank"}
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
    UnavailableError
        If the kind is unknown.
    ValueError
        If there is no start, or one does not fit the model.
    """
    if kind not in KINDS:
        raise UnavailableError(f"There is no ADVI of kind {kind!r}; choose from {', '.join(KINDS)}.")
    log_density.loaded()
    flat_starts = log_density.coordinates.flat_starts(starts)
    common, final, *step_seeds = (
        int(child.generate_state(1)[0]) for child in np.random.SeedSequence(seed).spawn(2 + len(starts))
    )
    screen_steps = min(screen_steps, steps)
    course = _Course(log_density, common, draws)

    begun = (begin(kind, start, of) for start, of in zip(flat_starts, step_seeds, strict=True))
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
                restart.average = Average()
            course.advance(restart, int(end) - restart.steps, rate)
            if restart.failed:
                break
        if not restart.failed:
            finished.append(restart)

    best = max(finished, key=lambda restart: restart.elbo, default=None)
    log_weights = np.array([])
    if best is not None and best.approximation is not None:
        log_weights = _log_weights(log_density, best.approximation, np.random.default_rng(final), final_draws)
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


def _log_weights(
    log_density: LogDensity, q: GaussianApproximation, rng: np.random.Generator, n_draws: int
) -> np.ndarray:
    """Return log p(x, u) - log q(u) at fresh draws u ~ q, shape (n_draws,); its mean estimates F(q).

    The Jacobians of theta = g(u) are in both terms and cancel, so this is log p(x, theta) - log q(theta) too.
    """
    u = q.sample_unconstrained(rng, n_draws)
    return log_density.values(u) - q.log_density_unconstrained(u)


def _learning_rate(progress: float, initial: float, final: float | None) -> float:
    """Return the rate after a share of the steps: a quarter first, a quarter descending, half final."""
    if final is None:
        return initial
    descended = np.clip(4 * progress - 1, 0.0, 1.0)
    return float(initial * (final / initial) ** descended)


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else np.nan
