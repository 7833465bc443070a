"""How a stochastic optimisation ended: judged by the bound, never by the steps having run out.

The bound is estimated at checkpoints on the same S standard normal draws, so that its change from the earlier
window of checkpoints to the later one is a mean of paired differences:

change = mean over later checkpoints - mean over earlier checkpoints
se^2 = Var_s(paired difference) / S  +  Var(earlier) / W  +  Var(later) / W

The last two terms are the optimiser's own wandering over the W checkpoints of a window. The rule (two
standard errors, a tolerance in nats) is a convention of this project.
"""

from collections.abc import Sequence
from enum import Enum

import numpy as np


class Status(Enum):
    """How an optimisation ended; the value is what to print."""

    CONVERGED = "the bound has stopped changing, to within the tolerance"
    STILL_MOVING = "the steps ran out while the bound was still changing: allow more steps"
    UNDECIDED = "the steps ran out and the bound is too noisy to tell whether it still changes"
    NON_FINITE = "the loss became infinite or NaN from every start"

    @property
    def message(self) -> str:
        """One sentence for the reader."""
        return self.value


def change(log_weights: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return how much the bound rose from the second-last quarter of the checkpoints to the last.

    Parameters
    ----------
    log_weights : sequence of ndarray, shape (S,)
        log p - log q by draw, at each checkpoint, oldest first, on common draws.

    Returns
    -------
    change, standard_error : float
        In nats; NaN with fewer than two checkpoints in a quarter.
    """
    window = len(log_weights) // 4
    if window < 2:
        return np.nan, np.nan
    earlier = np.array(log_weights[-2 * window : -window])  # (W, S)
    later = np.array(log_weights[-window:])
    paired = later.mean(axis=0) - earlier.mean(axis=0)
    sampling_variance = paired.var(ddof=1) / paired.size
    wandering_variance = sum(part.mean(axis=1).var(ddof=1) for part in (earlier, later)) / window
    return float(paired.mean()), float(np.sqrt(sampling_variance + wandering_variance))


def judge(rise: float, standard_error: float, tolerance: float) -> Status:
    """Judge the end of an optimisation by its last `change`.

    Parameters
    ----------
    rise, standard_error : float
    tolerance : float
        The change of the bound, in nats, that no longer matters.

    Returns
    -------
    Status
        `Status.CONVERGED` only if two standard errors beyond the change still lie within the tolerance.
    """
    if np.isnan(rise):
        return Status.UNDECIDED
    if abs(rise) + 2 * standard_error <= tolerance:
        return Status.CONVERGED
    if abs(rise) > 2 * standard_error:
        return Status.STILL_MOVING
    return Status.UNDECIDED
