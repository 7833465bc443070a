"""Coordinate-ascent variational inference, derived by hand (hand_cavi)."""

from time import perf_counter

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.score import score
from experiments.methods.starts import Starts
from experiments.posterior.draws import as_arrays
from experiments.posterior.held_out import STARTS_HELD_OUT, log_predictive, mean_and_error
from experiments.records import MethodResult, Problem
from hand_cavi import Fit, Status, StepInfo, fit

_SWEEPS_ON = 1000  # at most, after the end, to see what was left
_DRAWS_ON = 2000
_NEXT_TO_NOTHING = 1e-6  # nats


class Settings(Options):
    """Options of CAVI."""

    starts: int = Field(20, ge=1, description="dispersed starts; the best bound wins")
    max_sweeps: int = Field(2000, ge=1, description="sweeps from each start, at most")
    tolerance: float = Field(
        1e-12, ge=0, description="a sweep that gains less, relative to the bound, is quiet"
    )
    patience: int = Field(3, ge=1, description="quiet sweeps in a row that are convergence")
    accelerate: bool = Field(False, description="leap along the way of the sweeps, so that fewer are needed")
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored")
    folds: int = Field(
        0,
        ge=0,
        description="of a cross-validation of prediction, which takes as many fits; 0: none",
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


def run(problem: Problem, settings: Settings, *, starts: Starts, seed: int) -> MethodResult:
    """Fit by CAVI from the problem's dispersed starts."""
    given = starts.responsibilities(settings.starts)
    stopwatch = Stopwatch()
    result = fit(
        problem.mixture,
        problem.x,
        rng=seed,
        starts=given,
        max_sweeps=settings.max_sweeps,
        tolerance=settings.tolerance,
        patience=settings.patience,
        sample_weight=problem.sample_weight,
        callback=stopwatch,
        accelerate=settings.accelerate,
    )
    seconds = perf_counter() - stopwatch.began
    if result.status is Status.NOT_FINITE:
        raise NotFiniteError(result.status.value)
    return MethodResult(
        outcome=result.status.name.lower(),
        message=result.status.value,
        seconds_compile=0.0,
        seconds_run=seconds,
        draws=score(problem, result, rng=np.random.default_rng(seed), n=settings.draws),
        bound=result.elbo,
        bound_se=0.0,
        trace=np.array(stopwatch.trace),
        info={
            **_info(result),
            "smallest_gain": stopwatch.smallest_gain,
            **_left(problem, result, settings.tolerance, seed),
            **_held_out(problem, settings, seed),
        },
    )


def _info(result: Fit) -> dict[str, object]:
    terms = result.elbo_terms
    return {
        "family": "mean field",
        "bound_of": "theta and assignments",
        "sweeps": result.sweeps,
        "starts": len(result.starts),
        "starts_at_best": result.starts_at_best,
        "start_elbos": [start.elbo for start in result.starts],
        "elbo_terms": {name: getattr(terms, name) for name in terms.__dataclass_fields__},
        "counts": result.counts.tolist(),
    }


def _left(problem: Problem, result: Fit, tolerance: float, seed: int) -> dict[str, object]:
    """Return what sweeping on from the end would gain: in the bound, and in F(q_sym) with its error.

    Where the bound gains next to nothing, that stands for F(q_sym) too; else both ends are scored with the
    same random numbers. None of it counts as the method's time.
    """
    further = fit(
        problem.mixture,
        problem.x,
        rng=seed,
        starts=result,
        max_sweeps=_SWEEPS_ON,
        tolerance=tolerance,
        sample_weight=problem.sample_weight,
    )
    gain = further.elbo - result.elbo
    if gain < _NEXT_TO_NOTHING:
        return {"elbo_left": gain, "bound_left": max(gain, 0.0), "bound_left_se": 0.0}
    here, there = (_symmetrised(problem, q, seed) for q in (result, further))
    error = (there - here).std(ddof=1) / np.sqrt(len(here))
    return {"elbo_left": gain, "bound_left": float((there - here).mean()), "bound_left_se": float(error)}


def _symmetrised(problem: Problem, q: Fit, seed: int) -> np.ndarray:
    """Return log p(x, theta) - log q_sym(theta) at draws from q."""
    stats = as_arrays(score(problem, q, rng=np.random.default_rng(seed), n=_DRAWS_ON), "sample_stats")
    return stats["log_joint"] - stats["log_q_symmetrised"]


def _held_out(problem: Problem, settings: Settings, seed: int) -> dict[str, object]:
    """Return the mean log predictive density per held-out point and its standard error, if asked for."""
    if settings.folds == 0 or problem.condensation is not None:  # nodes cannot be held out
        return {}
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
    return {"held_out": mean, "held_out_se": error, "folds": settings.folds}
