"""Coordinate-ascent variational inference, derived by hand (hand_cavi)."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from time import perf_counter

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.posterior.held_out import STARTS_HELD_OUT, log_predictive, mean_and_error
from experiments.records.problem import Problem
from experiments.records.result import Fitted, Told
from hand_cavi import Fit, Status, StepInfo, fit_many
from hand_cavi import fit as fit_mixture
from hand_cavi.ascent.ascend import Callback
from hand_cavi.ascent.cautions import occupied

_SWEEPS_ON = 1000  # at most, after the end, to see what was left
_DRAWS_ON = 2000
_NEXT_TO_NOTHING = 1e-6  # nats


class AscentSettings(Options):
    """Options of coordinate ascent, whatever is made of its q."""

    starts: int = Field(20, ge=1, description="dispersed starts; the best bound wins")
    max_sweeps: int = Field(2000, ge=1, description="sweeps from each start, at most")
    tolerance: float = Field(
        1e-12, ge=0, description="a sweep that gains less, relative to the bound, is quiet"
    )
    patience: int = Field(3, ge=1, description="quiet sweeps in a row that are convergence")
    accelerate: bool = Field(False, description="leap along the way of the sweeps, so that fewer are needed")
    moves: int = Field(
        0, ge=0, description="split-and-merge moves that are tried on the best of the starts, at most"
    )
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored")


class Settings(AscentSettings):
    """Options of CAVI."""

    folds: int = Field(
        0, ge=0, description="of a cross-validation of prediction, which takes as many fits; 0: none"
    )


class Stopwatch:
    """A callback that notes the best bound so far against time, and the smallest gain of a half-step."""

    def __init__(self) -> None:
        self.began = perf_counter()
        self.trace: list[tuple[float, float, float]] = []
        self.smallest_gain = np.inf
        """Over all half-steps of all starts, as a share of max(1, |bound|)."""
        self._before: float | None = None

    def __call__(self, info: StepInfo) -> None:
        """Note this sweep's bound if no earlier one, of any start, was higher; and its half-steps."""
        if not self.trace or info.elbo > self.trace[-1][1]:
            self.trace.append((perf_counter() - self.began, info.elbo, 0.0))
        gains = [info.elbo - info.after_globals.total]
        if info.sweep > 1 and self._before is not None:
            gains.append(info.after_globals.total - self._before)
        self._before = info.elbo
        self.smallest_gain = min(self.smallest_gain, min(gains) / max(1.0, abs(info.elbo)))


def ascend(
    problem: Problem,
    settings: AscentSettings,
    responsibilities: np.ndarray,
    seed: int,
    callback: Callback | None = None,
) -> Fit:
    """Fit by CAVI from responsibilities, shape (R, N, K); the best bound wins.

    Raises
    ------
    NotFiniteError
        If no start stayed finite.
    """
    best = fit_mixture(
        problem.mixture,
        problem.x,
        rng=seed,
        starts=responsibilities,
        sample_weight=problem.sample_weight,
        callback=callback,
        **settings.model_dump(include={"max_sweeps", "tolerance", "patience", "accelerate", "moves"}),
    )
    if best.status is Status.NOT_FINITE:
        raise NotFiniteError(best.status.value)
    return best


def ascend_together(
    targets: Sequence[MixtureTarget], settings: AscentSettings, starts: Sequence[Starts], seeds: Sequence[int]
) -> list[Fit | NotFiniteError]:
    """Fit the same mixture to data sets of one shape, each as `ascend` does, in one go.

    Where no start of one stayed finite, there is the error.
    """
    given = [one.responsibilities(settings.starts) for one in starts]
    problems = [target.problem for target in targets]
    if settings.accelerate or settings.moves:
        each = zip(problems, given, seeds, strict=True)
        return [ascend(problem, settings, r, seed) for problem, r, seed in each]
    found = fit_many(
        problems[0].mixture,
        [problem.x for problem in problems],
        rng=seeds,
        starts=given,
        sample_weight=[problem.sample_weight for problem in problems],
        **settings.model_dump(include={"max_sweeps", "tolerance", "patience"}),
    )
    return [NotFiniteError(one.status.value) if one.status is Status.NOT_FINITE else one for one in found]


def fit(target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int) -> Fitted:
    """Fit by CAVI from the problem's dispersed starts."""
    given = starts.responsibilities(settings.starts)
    stopwatch = Stopwatch()
    best = ascend(target.problem, settings, given, seed, stopwatch)
    found = _found(best, perf_counter() - stopwatch.began)
    return replace(
        found,
        trace=np.array(stopwatch.trace),
        told=replace(found.told, smallest_gain=stopwatch.smallest_gain),
        info={**found.info, **({"folds": settings.folds} if _holds_out(target.problem, settings) else {})},
    )


def fit_together(
    targets: Sequence[MixtureTarget], settings: Settings, *, starts: Sequence[Starts], seeds: Sequence[int]
) -> list[Fitted | Exception]:
    """Fit the same mixture to data sets of one shape by CAVI; no trace is kept."""
    began = perf_counter()
    fits = ascend_together(targets, settings, starts, seeds)
    seconds = (perf_counter() - began) / len(fits)
    return [one if isinstance(one, Exception) else _found(one, seconds) for one in fits]


def _found(best: Fit, seconds: float) -> Fitted:
    return Fitted(
        outcome=best.status.name.lower(),
        message=best.status.value,
        seconds_compile=0.0,
        seconds_run=seconds,
        q=best,
        bound=best.elbo,
        bound_se=0.0,
        told=Told(
            family="mean field",
            bound_of="theta and assignments",
            starts=len(best.starts),
            starts_at_best=best.starts_at_best,
            occupied=int(occupied(best).sum()),
        ),
        info={
            "sweeps": best.sweeps,
            "start_elbos": [start.elbo for start in best.starts],
            "elbo_terms": asdict(best.elbo_terms),
            "counts": best.counts.tolist(),
        },
    )


def afterwards(target: MixtureTarget, settings: Settings, fitted: Fitted, seed: int) -> Told:
    """Return what is told, what sweeping on would gain and, if asked for, the held-out prediction."""
    assert isinstance(fitted.q, Fit)
    told = _left(target, fitted.q, settings.tolerance, seed, fitted.told)
    return _held_out(target.problem, settings, seed, told) if _holds_out(target.problem, settings) else told


def _left(target: MixtureTarget, q: Fit, tolerance: float, seed: int, told: Told) -> Told:
    """Tell what sweeping on from the end would gain: in the bound, and in F(q_sym) with its error.

    Where the bound gains next to nothing, that stands for F(q_sym) too; else both ends are scored with the
    same random numbers.
    """
    problem = target.problem
    further = fit_mixture(
        problem.mixture,
        problem.x,
        rng=seed,
        starts=q,
        max_sweeps=_SWEEPS_ON,
        tolerance=tolerance,
        sample_weight=problem.sample_weight,
    )
    gain = further.elbo - q.elbo
    if gain < _NEXT_TO_NOTHING:
        return replace(told, elbo_left=gain, bound_left=max(gain, 0.0), bound_left_se=0.0)
    rise = _log_ratio(target, further, seed) - _log_ratio(target, q, seed)
    error = float(rise.std(ddof=1) / np.sqrt(len(rise)))
    return replace(told, elbo_left=gain, bound_left=float(rise.mean()), bound_left_se=error)


def _log_ratio(target: MixtureTarget, q: Fit, seed: int) -> np.ndarray:
    """Return log p(x, theta) - log q_sym(theta) at draws from q, shape (S,)."""
    draws = q.sample(np.random.default_rng(seed), _DRAWS_ON)
    return target.log_joint(draws) - target.symmetrise(q, draws).log_q


def _holds_out(problem: Problem, settings: Settings) -> bool:
    return settings.folds > 0 and problem.condensation is None  # nodes cannot be held out


def _held_out(problem: Problem, settings: Settings, seed: int, told: Told) -> Told:
    """Tell the mean log predictive density per held-out point, and its standard error."""
    values = log_predictive(
        problem.mixture,
        problem.x,
        folds=settings.folds,
        rng=seed,
        starts=min(settings.starts, STARTS_HELD_OUT),
        sample_weight=problem.sample_weight,
        max_sweeps=settings.max_sweeps,
    )
    mean, error = mean_and_error(values, problem.sample_weight)
    return replace(told, held_out=mean, held_out_se=error)
