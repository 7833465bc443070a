"""A user's PyMC model whose observations can be swapped: built and compiled once for data of one shape.

Whatever the model observes becomes a `pm.Data` named after its variable. That nothing else in the model
depends on those data is looked at, not believed: a prior that is made from the data would stay that of the
first ones.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.checks.log_joint import PyMCLogJoint
from experiments.methods.own.own_problem import OwnProblem, checked_model
from experiments.records.problem import Draws
from hand_cavi import InputError

if TYPE_CHECKING:
    import pymc as pm

_RELATIVE = 1e-8
"""By how much ln p(x, theta) of the same data may differ between the swapped model and the user's own."""


def observations(model: "pm.Model") -> Draws:
    """Return what a model observes, by the names of its variables.

    Raises InputError if it observes nothing, or has observations that are no arrays of their own.
    """
    if not model.observed_RVs:
        raise InputError("model() observes nothing; give its data as observed=")
    try:
        values = {rv.name: model.rvs_to_values[rv].eval() for rv in model.observed_RVs}
    except Exception as error:
        raise InputError(f"the observations of model() are no plain arrays: {error}") from None
    return {str(name): np.asarray(value) for name, value in values.items()}


class DataModel:
    """One model, its data apart.

    Parameters
    ----------
    problem : OwnProblem
        With data of the shape that all others will have.

    Raises
    ------
    InputError
        If there is no model, or its data cannot be swapped.
    """

    def __init__(self, problem: OwnProblem) -> None:
        import pymc as pm

        self.model = checked_model(problem)
        self.held = observations(self.model)
        self.shapes = {name: value.shape for name, value in self.held.items()}
        self.variables = tuple(str(rv.name) for rv in self.model.free_RVs)
        with self.model:
            for rv in self.model.observed_RVs:
                shared = pm.Data(_name(str(rv.name)), self.held[str(rv.name)].astype(rv.dtype))
                self.model.rvs_to_values[rv] = shared
        self.model.values_to_rvs = {value: rv for rv, value in self.model.rvs_to_values.items()}
        self._log_joint: PyMCLogJoint | None = None
        self._forward: tuple[_Compiled, _Compiled] | None = None

    def named(self, data: Mapping[str, np.ndarray]) -> Draws:
        """Return data by the names of their `pm.Data`; InputError if they are not what the model observes."""
        found = {name: np.shape(value) for name, value in data.items()}
        if found != self.shapes:
            raise InputError(f"the model observes {_told(self.shapes)}; the data are {_told(found)}")
        return {_name(name): np.asarray(value) for name, value in data.items()}

    def log_terms(self, draws: Draws, data: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return ln p(x given theta) and ln p(theta) of draws, in nats, shape (S,) both."""
        if self._log_joint is None:
            self._log_joint = PyMCLogJoint(self.model)
        self._log_joint.load(self.named(data))
        terms = self._log_joint.terms(draws)
        likelihood = np.sum([terms[name] for name in self.shapes], axis=0)
        return likelihood, np.sum([terms[name] for name in terms if name not in self.shapes], axis=0)

    def prior_draw(self, rng: np.random.Generator) -> Draws:
        """Return one draw of the free variables from the prior."""
        values = self._compiled()[0](rng)
        return dict(zip(self.variables, values, strict=True))

    def data_given(self, theta: Draws, rng: np.random.Generator) -> Draws:
        """Return data given the free variables, by the observed variables' names."""
        values = self._compiled()[1](rng, *(theta[name] for name in self.variables))
        return dict(zip(self.shapes, values, strict=True))

    def _compiled(self) -> "tuple[_Compiled, _Compiled]":
        if self._forward is None:
            from pytensor.graph.replace import clone_replace

            model = self.model
            if model.potentials:
                name = model.potentials[0].name
                what = "from which nothing can be drawn; give the problem a function simulate(rng)"
                raise InputError(f'the model has the pm.Potential "{name}", {what}')
            places = [rv.type(name=f"{rv.name}_given") for rv in model.free_RVs]
            given = dict(zip(model.free_RVs, places, strict=True))
            observed = clone_replace(model.observed_RVs, given)
            self._forward = _Compiled([], model.free_RVs), _Compiled(places, observed)
        return self._forward

    def check(self, problem: OwnProblem, draws: Draws, data: Mapping[str, np.ndarray]) -> None:
        """Raise InputError if a user's problem with these data is not this model with these data."""
        theirs = PyMCLogJoint(checked_model(problem))(draws)
        ours = np.sum(self.log_terms(draws, data), axis=0)
        if not np.allclose(ours, theirs, rtol=_RELATIVE, atol=_RELATIVE):
            raise InputError(
                "model() uses its data elsewhere than in what it observes, and a prior that depends on data "
                f"is none: ln p(x, theta) is {theirs[0]:.6g} by the model that with_data gives, and "
                f"{ours[0]:.6g} by the first model with these data in their place"
            )


class _Compiled:
    """A function of arrays that draws, with a seed of its own for every call."""

    def __init__(self, inputs: Any, outputs: Any) -> None:
        import pymc as pm
        from pytensor.tensor.random.variable import RandomGeneratorSharedVariable

        # One draw at a time: compiling for speed would cost more than it saves.
        self._function = pm.compile(inputs, outputs, on_unused_input="ignore", mode="FAST_COMPILE")
        entries = (entry.variable for entry in self._function.maker.inputs)
        self._streams = [entry for entry in entries if isinstance(entry, RandomGeneratorSharedVariable)]

    def __call__(self, rng: np.random.Generator, *values: np.ndarray) -> list[np.ndarray]:
        from pymc.pytensorf import reseed_rngs

        reseed_rngs(self._streams, int(rng.integers(2**32)))
        return [np.asarray(one) for one in self._function(*values)]


def _name(observed: str) -> str:
    return f"{observed} observed"


def _told(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items()) or "none"
