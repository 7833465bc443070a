"""Up to a maximum of a smooth function with an exact gradient: quasi-Newton from afar, Newton at the end.

Letters: P numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

ValueAndGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]
Hessian = Callable[[np.ndarray], np.ndarray]

SETTLED = 1e-6
"""Nats that the next Newton step would gain, below which a point is a maximum."""

ROUNDING = 1e-14
"""Of a value, relative."""

LEAST_EIGENVALUE = 1e-8
"""Of a curvature scaled to a diagonal of 1, above which it is positive definite beyond rounding."""

_NEWTON_STEPS = 20
_HALVINGS = 30


@dataclass(frozen=True)
class Maximum:
    """Where an ascent ended.

    Attributes
    ----------
    at : ndarray, shape (P,)
    value : float
    curvature : ndarray, shape (P, P)
        Minus the second derivatives.
    positive : bool
        Whether it is positive definite, so that this may be a maximum.
    left : float
        What a Newton step on would gain, to second order; infinite where it is not positive definite.
    """

    at: np.ndarray
    value: float
    curvature: np.ndarray
    positive: bool
    left: float

    @property
    def settled(self) -> bool:
        """Whether it is a maximum, but for `SETTLED`."""
        return self.left < SETTLED


def climb(
    function: ValueAndGradient,
    start: np.ndarray,
    max_steps: int,
    passing: Callable[[np.ndarray], None] | None = None,
) -> tuple[np.ndarray, float]:
    """Go up by L-BFGS from a start, shape (P,); return the end and its value, -inf where it failed.

    Every point that it steps to is shown to `passing`.
    """

    def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = function(u)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return np.inf, np.zeros_like(u)
        return -value, -gradient

    if not np.isfinite(loss(start)[0]):
        return start, -np.inf
    with np.errstate(all="ignore"):
        found = minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=None if passing is None else lambda u: passing(u.copy()),
            options={"maxiter": max_steps, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-7},
        )
    return found.x, (-float(found.fun) if np.isfinite(found.fun) else -np.inf)


def settle(function: ValueAndGradient, hessian: Hessian, start: np.ndarray) -> Maximum:
    """Go on by Newton steps, halved where they do not go up, to where the next would gain nothing."""
    u = start
    value, gradient = function(u)
    for _ in range(_NEWTON_STEPS):
        curvature = -hessian(u)
        step = _newton_step(curvature, gradient)
        if step is None:
            return Maximum(u, value, curvature, False, np.inf)
        left = float(gradient @ step) / 2
        if left < ROUNDING * max(1.0, abs(value)):
            break
        for _ in range(_HALVINGS):
            there = function(u + step)
            if there[0] > value and np.isfinite(there[1]).all():
                break
            step = step / 2
        else:
            break  # no step goes up: rounding
        u, (value, gradient) = u + step, there
    return Maximum(u, value, curvature, True, left)


def _newton_step(curvature: np.ndarray, gradient: np.ndarray) -> np.ndarray | None:
    """Return the step to the top of the parabola; None if it has no top."""
    diagonal = np.diag(curvature)
    if not (np.isfinite(curvature).all() and (diagonal > 0).all()):
        return None
    scale = 1 / np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(curvature * np.outer(scale, scale))
    if values[0] < LEAST_EIGENVALUE:
        return None
    return scale * (vectors @ ((vectors.T @ (scale * gradient)) / values))
