"""A simulated mixture of any family: counts, categories, normals with covariances of their own.

theta_k are given as `parameters`, or drawn from a prior; c_i ~ Categorical(weights), and x_i comes from
p(x | theta_{c_i}).

    source = "simulated_family"
    family = "gamma_poisson"
    n = 300
    parameters = { rate = [[2.0, 9.0], [8.0, 3.0]] }     # one row for each component

The parameters are ``mu`` with ``covariance`` (K lists of D lists) for normal_wishart, ``mu`` with
``variance`` for normal_gamma, ``rate`` for gamma_poisson, and ``probability`` (K lists of D lists of C) for
dirichlet_categorical. Normal components of known variance are the source "simulated".
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from experiments.config.options import Options
from experiments.config.plugins import find_class
from experiments.datasets import Dataset
from hand_cavi import DirichletCategorical, GammaPoisson, InputError, NormalGamma, NormalWishart
from hand_cavi.conjugate import ConjugateFamily

Parameters = dict[str, np.ndarray]


class Settings(Options):
    """How many points, of which family, with which parameters."""

    n: int = Field(description="how many points, N", ge=1)
    family: str = Field(description="the components' family")
    parameters: dict[str, list[Any]] | None = Field(
        default=None, description="the components' parameters, by name: a list with one entry a component"
    )
    prior: dict[str, Any] | None = Field(
        default=None, description="the fields of the prior from which parameters are drawn"
    )
    components: int | None = Field(default=None, ge=1, description="how many components to draw, K")
    weights: tuple[float, ...] | None = Field(
        default=None, description="the components' weights; without, equal"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.parameters is None) == (self.prior is None):
            raise ValueError("give either parameters, or a prior from which they shall be drawn")
        if (self.prior is None) != (self.components is None):
            raise ValueError("components say how many to draw from a prior: give both or neither")
        n_components = self.n_components
        if self.weights is not None:
            if len(self.weights) != n_components:
                raise ValueError(f"weights are {len(self.weights)}, but components {n_components}")
            if min(self.weights) < 0 or abs(sum(self.weights) - 1) > 1e-9:
                raise ValueError("weights must not be negative, and must sum to 1")
        return self

    @property
    def n_components(self) -> int:
        """K."""
        if self.parameters is not None:
            return len(next(iter(self.parameters.values()), []))
        return self.components or 0


def load(settings: Settings, rng: np.random.Generator) -> Dataset:
    """Simulate; returns x of shape (N, D), and in `truth` parameters, weights and assignments.

    Raises
    ------
    InputError
        If the family is unknown, or parameters or prior do not fit it.
    """
    try:
        family, theta = _parameters(settings, rng)
    except InputError as error:
        raise InputError(f"simulating {settings.family}: {error}") from None
    n_components = settings.n_components
    weights = np.full(n_components, 1 / n_components)
    if settings.weights is not None:
        weights = np.asarray(settings.weights) / np.sum(settings.weights)
    assignments = rng.choice(n_components, size=settings.n, p=weights)
    x = family.sample_data(rng, theta, assignments)
    return Dataset(
        x=x,
        features=("x",) if x.shape[1] == 1 else tuple(f"x{d + 1}" for d in range(x.shape[1])),
        about=_about(settings, weights),
        truth={**theta, "weights": weights, "assignments": assignments},
    )


def _parameters(settings: Settings, rng: np.random.Generator) -> tuple[ConjugateFamily, Parameters]:
    """Return a member of the family, for its likelihood, and canonical parameters, arrays (K, ...)."""
    cls = find_class("families", settings.family)
    if settings.prior is not None:
        try:
            prior = cls(**settings.prior)
        except TypeError as error:
            raise InputError(f"prior: {str(error).partition(') ')[2] or error}") from None
        return prior, prior.sample(rng, settings.n_components)
    if settings.family not in _FAMILIES:
        there = ", ".join(_FAMILIES)
        raise InputError(f"parameters can be given for {there}; for others give a prior to draw them from")
    try:
        arrays = {key: np.array(v, dtype=np.float64) for key, v in (settings.parameters or {}).items()}
    except (TypeError, ValueError):
        raise InputError("parameters must be lists of numbers, all rows equally long") from None
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise InputError("parameters must be finite")
    return _FAMILIES[settings.family](arrays)


def _normal_wishart(given: Parameters) -> tuple[ConjugateFamily, Parameters]:
    mu, covariance = _take(given, mu=2, covariance=3)
    n_components, n_features = mu.shape
    if covariance.shape != (n_components, n_features, n_features):
        raise InputError(f"mu has shape {mu.shape}, so covariance needs {(*mu.shape, n_features)}")
    for matrix in covariance:
        NormalWishart(
            np.zeros(n_features), np.ones(()), np.array(n_features), matrix
        )  # refuses what is no covariance
    prior = NormalWishart(np.zeros(n_features), np.ones(()), np.array(n_features), np.eye(n_features))
    return prior, {"mu": mu, "precision": np.linalg.inv(covariance)}


def _normal_gamma(given: Parameters) -> tuple[ConjugateFamily, Parameters]:
    mu, variance = _take(given, mu=2, variance=2)
    if variance.shape != mu.shape or (variance <= 0).any():
        raise InputError(f"variance needs numbers above zero in the shape of mu, {mu.shape}")
    return NormalGamma(np.zeros(mu.shape[1]), np.ones(()), np.ones(()), np.ones(mu.shape[1])), {
        "mu": mu,
        "precision": 1 / variance,
    }


def _gamma_poisson(given: Parameters) -> tuple[ConjugateFamily, Parameters]:
    (rate,) = _take(given, rate=2)
    if (rate <= 0).any():
        raise InputError("a rate must be above zero")
    return GammaPoisson(np.ones(rate.shape[1]), np.ones(rate.shape[1])), {"rate": rate}


def _dirichlet_categorical(given: Parameters) -> tuple[ConjugateFamily, Parameters]:
    (probability,) = _take(given, probability=3)
    if (probability < 0).any() or not np.allclose(probability.sum(axis=2), 1):
        raise InputError("probabilities must not be negative, and must sum to 1 over the categories")
    return DirichletCategorical(np.ones(probability.shape[1:])), {"probability": probability}


def _take(given: Parameters, **axes: int) -> list[np.ndarray]:
    """Return the named parameters, (K, ...); a missing axis of features is D = 1."""
    if set(given) != set(axes):
        raise InputError(f"parameters are {', '.join(given) or 'none'}; they must be {' and '.join(axes)}")
    found = []
    for name, n_axes in axes.items():
        values = given[name]
        if values.ndim == n_axes - 1 and name != "covariance":
            values = values[:, np.newaxis]
        if values.ndim != n_axes or values.size == 0:
            raise InputError(f"{name} has shape {values.shape}; it needs {n_axes} axes, components first")
        found.append(values)
    if len({len(values) for values in found}) != 1:
        raise InputError(f"{' and '.join(axes)} must have as many components as each other")
    return found


_FAMILIES: dict[str, Callable[[Parameters], tuple[ConjugateFamily, Parameters]]] = {
    "normal_wishart": _normal_wishart,
    "normal_gamma": _normal_gamma,
    "gamma_poisson": _gamma_poisson,
    "dirichlet_categorical": _dirichlet_categorical,
}


def _about(settings: Settings, weights: np.ndarray) -> str:
    how = "given parameters" if settings.parameters is not None else "parameters drawn from the prior"
    share = "equal weights" if np.ptp(weights) == 0 else "weights " + ", ".join(f"{w:.3g}" for w in weights)
    points = "1 point" if settings.n == 1 else f"{settings.n} points"
    number = f"{len(weights)} components" if len(weights) > 1 else "1 component"
    return f"{points} simulated from {number} of {settings.family} with {how} and {share}."
