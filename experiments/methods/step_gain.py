"""Has a Gaussian q reached its end? One step on, and what it gains in F.

The step is that of the natural gradient (docs/mathematics.md, section 8); mean-field stays mean-field. Where
fresh draws show no gain, q may still not be at its end: a step can be too long.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from experiments.records.problem import Draws
from experiments.records.result import Told

if TYPE_CHECKING:
    from ppl_baselines.gaussian import GaussianApproximation

N_DRAWS = 4_000
"""Half of them choose the step, half see what it gains."""

LONGEST = 1.0
"""Sds of q that its mean may move."""

WIDEST = 4.0
"""Times as large, or as small, a variance may become."""

LogJoint = Callable[[Draws], np.ndarray]


def with_step_gain(told: Told, q: object, log_p: LogJoint, seed: int) -> Told:
    """Return what is told, with what a step on from q gains: of a Gaussian q it is never taken on trust.

    But of one that never claimed to maximise F, such as a Laplace approximation.
    """
    from ppl_baselines.gaussian import GaussianApproximation

    if not isinstance(q, GaussianApproximation) or not q.maximises:
        return told
    gain, error = gain_of_a_step(q, log_p, np.random.default_rng([seed, 1]))
    known = bool(np.isfinite(gain) and np.isfinite(error))
    return replace(told, step_gain=gain if known else None, step_gain_se=error if known else None)


def gain_of_a_step(
    q: "GaussianApproximation", log_p: LogJoint, rng: np.random.Generator
) -> tuple[float, float]:
    """Return F(q') - F(q) in nats and its standard error; NaN where a density is not finite.

    Parameters
    ----------
    log_p : callable
        log p(x, theta) of draws by name, shape (S,), such as a target's `log_joint`.
    """
    z = rng.standard_normal((N_DRAWS, q.mean.size))
    choosing, fresh = np.split(z, 2)
    heights = _log_ratio(q, log_p, choosing)
    if not np.isfinite(heights).all():
        return np.nan, np.nan
    regressors = np.column_stack([np.ones(len(choosing)), choosing, choosing**2])
    slopes = np.linalg.lstsq(regressors, heights, rcond=None)[0][1:]
    slope, curvature = np.split(slopes, 2)
    variance = 1 / np.clip(1 - 2 * curvature, 1 / WIDEST, WIDEST)
    shift = np.clip(slope * variance, -LONGEST, LONGEST)
    there = replace(q, mean=q.mean + q.factor @ shift, factor=q.factor * np.sqrt(variance))
    gains = _log_ratio(there, log_p, fresh) - _log_ratio(q, log_p, fresh)
    if not np.isfinite(gains).all():
        return np.nan, np.nan
    return float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))


def _log_ratio(q: "GaussianApproximation", log_p: LogJoint, z: np.ndarray) -> np.ndarray:
    """Return ln p(x, theta) - ln q(theta) at u = m + L z, shape (S,)."""
    draws = q.coordinates.constrain(q.mean + z @ q.factor.T)
    return log_p(draws) - q.log_density(draws)
