"""Log densities in plain numpy, of which what a method must find is known in closed form."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ppl_baselines.transforms import Identity
from ppl_baselines.unconstrained import Coordinates, Span


@dataclass
class Plain:
    """A density of one variable theta, shape (P,), given by value, gradient and second derivatives."""

    size: int
    value: Callable[[np.ndarray], float]
    slope: Callable[[np.ndarray], np.ndarray]
    curve: Callable[[np.ndarray], np.ndarray]
    evaluations: int = field(default=0)

    @property
    def coordinates(self) -> Coordinates:
        return Coordinates((Span("theta", "theta", 0, self.size, (self.size,), Identity()),))

    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        return float(self.value(u)), self.slope(u)

    def hessian(self, u: np.ndarray) -> np.ndarray:
        return self.curve(u)


def normal(mean: np.ndarray, covariance: np.ndarray, log_mass: float = 0.0) -> Plain:
    """exp(log_mass) N(mean, covariance)."""
    precision = np.linalg.inv(covariance)
    top = log_mass - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    return Plain(
        len(mean),
        lambda u: top - 0.5 * (u - mean) @ precision @ (u - mean),
        lambda u: -precision @ (u - mean),
        lambda u: -precision,
    )


MEAN, COVARIANCE = (
    np.array([1.0, -2.0, 0.5]),
    np.array([[2.0, 0.6, 0.0], [0.6, 0.5, 0.005], [0.0, 0.005, 1e-4]]),
)


def starts(*values):
    return [{"theta": np.asarray(value, dtype=float)} for value in values]
