"""What variational inference with restarts reports: plain data, which outlives the model."""

from dataclasses import dataclass

import numpy as np

from ppl_baselines.convergence import Status
from ppl_baselines.unconstrained import Approximation


@dataclass(frozen=True)
class Checkpoint:
    """A bound on the way.

    Attributes
    ----------
    restart : int
        Whose bound it is: the number of its start.
    step : int
        Steps of this restart so far.
    seconds : float
        Spent on steps so far, by this and every other restart; estimating bounds is not counted.
    elbo, elbo_se : float
        Estimate of F(q), every constant kept, and its standard error.
    """

    restart: int
    step: int
    seconds: float
    elbo: float
    elbo_se: float


@dataclass(frozen=True)
class AdviResult:
    """How it went.

    Attributes
    ----------
    status : Status
    elbo, elbo_se : float
        F(q) of the winner, on draws that nothing was chosen by; NaN if every restart failed.
    log_weights : ndarray, shape (final_draws,)
        log p - log q at those draws, of which ``elbo`` is the mean.
    change, change_se : float
        What the bound still rose by towards the end; see `ppl_baselines.convergence.change`.
    approximation : Approximation or None
        None if every restart failed.
    best : int or None
        The number of the start that won.
    restart_elbos : ndarray, shape (starts,)
        The last estimate of every restart, on common draws; -inf where the loss became infinite or NaN.
    trace : tuple of Checkpoint
        Of all restarts, in order of time.
    losses : ndarray, shape (steps,)
        The winner's losses at one draw each (negative bounds, noisy), by step.
    seconds, seconds_estimating : float
        Spent on steps; and on the bounds by which restarts are ranked and the trace is drawn.
    """

    status: Status
    elbo: float
    elbo_se: float
    log_weights: np.ndarray
    change: float
    change_se: float
    approximation: Approximation | None
    best: int | None
    restart_elbos: np.ndarray
    trace: tuple[Checkpoint, ...]
    losses: np.ndarray
    seconds: float
    seconds_estimating: float
