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

With `prior` and `components` the parameters are drawn, and with a table as `weights` these are too:

    prior = { shape = [2.0, 2.0], rate = [0.3, 0.3] }
    components = 2
    weights = { name = "dirichlet", concentration = 1.0 }

Where that is the prior of the model which is fitted, log p(x) can be bounded from above.
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from experiments.config.options import Options
from experiments.config.plugins import find_class, names
from experiments.datasets import Dataset
from experiments.datasets._simulation import ABOUT_WEIGHTS, Weights, check_asked, simulated
from experiments.families.given_parameters import Parameters
from experiments.families.lookup import offered
from hand_cavi import InputError
from hand_cavi.conjugate import ConjugateFamily

_FromParameters = Callable[[Parameters], tuple[ConjugateFamily, Parameters]]


class Settings(Options):
    """How many points, of which family, with which parameters."""

    n: int = Field(description="how many points, N", ge=1)
    family: str = Field(description="the components' family")
    parameters: dict[str, list[object]] | None = Field(
        default=None, description="the components' parameters, by name: a list with one entry a component"
    )
    prior: dict[str, object] | None = Field(
        default=None, description="the fields of the prior from which parameters are drawn"
    )
    components: int | None = Field(default=None, ge=1, description="how many components to draw, K")
    weights: Weights = Field(default=None, description=ABOUT_WEIGHTS)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.parameters is None) == (self.prior is None):
            raise ValueError("give either parameters, or a prior from which they shall be drawn")
        if (self.prior is None) != (self.components is None):
            raise ValueError("components say how many to draw from a prior: give both or neither")
        check_asked(self.n, self.weights, self.n_components)
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
    how = "given parameters" if settings.parameters is not None else "parameters drawn from the prior"
    number = f"{settings.n_components} component{'s' if settings.n_components > 1 else ''}"
    about = f"{{points}} simulated from {number} of {settings.family} with {how} and {{share}}."
    drawn = settings.parameters is None
    return simulated(family, theta, settings.weights, settings.n, rng, about, drawn=drawn)


def _parameters(settings: Settings, rng: np.random.Generator) -> tuple[ConjugateFamily, Parameters]:
    """Return a member of the family, for its likelihood, and canonical parameters, arrays (K, ...)."""
    cls = find_class("families", settings.family)
    if settings.prior is not None:
        try:
            prior = cls(**settings.prior)
        except TypeError as error:
            raise InputError(f"prior: {str(error).partition(') ')[2] or error}") from None
        return prior, prior.sample(rng, settings.n_components)
    take: _FromParameters = offered(settings.family, "from_parameters")
    if take is None:
        there = ", ".join(name for name in names("families") if offered(name, "from_parameters"))
        raise InputError(f"parameters can be given for {there}; for others give a prior to draw them from")
    try:
        arrays = {key: np.array(v, dtype=np.float64) for key, v in (settings.parameters or {}).items()}
    except (TypeError, ValueError, OverflowError):
        raise InputError("parameters must be lists of numbers in float64, all rows equally long") from None
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise InputError("parameters must be finite")
    return take(arrays)
