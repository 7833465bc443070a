"""A simulated mixture of normal components: the model itself, run forwards.

c_i ~ Categorical(weights),   x_i | c_i ~ N(mu_{c_i}, noise_variance I), with means that are given, or drawn
from mu_k ~ N(prior_mean, prior_variance I).
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from experiments.config.options import Options
from experiments.datasets import Dataset
from experiments.datasets._simulation import ABOUT_WEIGHTS, Weights, check_asked, simulated
from hand_cavi import NormalKnownVariance


class Settings(Options):
    """How many points, from which components."""

    n: int = Field(description="how many points, N", ge=1)
    means: tuple[float | tuple[float, ...], ...] | None = Field(
        default=None, description="the components' means: numbers, or lists of D numbers; without them, drawn"
    )
    components: int | None = Field(default=None, ge=1, description="how many means to draw, K")
    features: int = Field(default=1, ge=1, description="the number of features D of means to draw")
    prior_mean: float = Field(default=0.0, description="where means are drawn: the mean of every feature")
    prior_variance: float = Field(default=25.0, gt=0, description="where means are drawn: the variance")
    weights: Weights = Field(default=None, description=ABOUT_WEIGHTS)
    noise_variance: float = Field(default=1.0, gt=0, description="the variance about a component's mean")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.means is None) == (self.components is None):
            raise ValueError("give either means, or the number of components whose means shall be drawn")
        if self.means is not None:
            lengths = {len(mean) if isinstance(mean, tuple) else 1 for mean in self.means}
            if len(lengths) != 1 or 0 in lengths:
                raise ValueError("means must be a list of numbers, or of lists of equally many numbers")
        check_asked(self.n, self.weights, self.n_components, self.features)
        return self

    @property
    def n_components(self) -> int:
        """K."""
        return len(self.means) if self.means is not None else self.components or 0


def load(settings: Settings, rng: np.random.Generator) -> Dataset:
    """Simulate; returns x of shape (N, D), and in `truth` the means, weights and assignments."""
    how = "drawn from the prior" if settings.means is None else "given"
    if settings.means is not None:
        mu = np.array([np.atleast_1d(mean) for mean in settings.means], dtype=np.float64)
    else:
        spread = np.sqrt(settings.prior_variance)
        mu = settings.prior_mean + spread * rng.standard_normal((settings.n_components, settings.features))
    prior_mean = np.full(mu.shape[1], settings.prior_mean)
    family = NormalKnownVariance(prior_mean, np.asarray(settings.prior_variance), settings.noise_variance)
    means = ", ".join(f"{m[0]:.4g}" if len(m) == 1 else f"({', '.join(f'{v:.4g}' for v in m)})" for m in mu)
    about = (
        f"{{points}} simulated from {len(mu)} normal components with means {means} ({how}), {{share}} and "
        f"noise variance {settings.noise_variance:g}."
    )
    drawn = settings.means is None
    return simulated(family, {"mu": mu}, settings.weights, settings.n, rng, about, drawn=drawn)
