"""A model of the user's own with other data than its own: what a calibration fits, compiled once for all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.methods.own.data_model import DataModel
from experiments.methods.own.own_problem import OwnProblem
from experiments.methods.own.own_target import OwnTarget
from experiments.methods.own.variables import Factors, factors_of
from experiments.records.problem import Draws
from experiments.records.target import StartingPoints
from hand_cavi import InputError

if TYPE_CHECKING:
    import pymc as pm


@dataclass(frozen=True)
class PriorStarts:
    """Draws from the prior as starts, where there is no derivation with random states of its own."""

    model: DataModel
    seed: int

    def parameters(self, n: int) -> list[Draws]:
        """Return values of the model's variables, one draw for each of n starts."""
        return [self.model.prior_draw(rng) for rng in np.random.default_rng(self.seed).spawn(n)]


@dataclass(frozen=True, eq=False)
class ReplicateTarget(OwnTarget):
    """A `Target`: the problem of the user's with these data, by the names of what is observed.

    The model is that of all replicates with data of this shape; None where there is a derivation alone.
    """

    own: OwnProblem | None = None
    model: DataModel | None = None
    observed: Mapping[str, np.ndarray] | None = None

    @property
    def problem(self) -> OwnProblem:
        """The user's problem with these data."""
        assert self.own is not None
        return self.own

    @property
    def factors(self) -> Factors:
        """The derivation's factors whose variables the PyMC model has; all of them without a model."""
        derivation = self.problem.derivation
        if derivation is None:
            raise InputError("the problem has no derivation, which this method needs")
        return factors_of(derivation, None if self.model is None else self.model.variables)

    @property
    def structure(self) -> str | None:
        """The model's name and the shapes of its data."""
        return json.dumps([self.name, str(self.folder), self._model.shapes])

    @property
    def data(self) -> Mapping[str, np.ndarray]:
        """The data, by the names of the model's `pm.Data`."""
        return self._model.named(self.observed or {})

    def log_joint(self, draws: Draws) -> np.ndarray:
        """Return log p(x, theta) in nats, shape (S,), of draws of the PyMC model's variables."""
        return np.sum(self._model.log_terms(draws, self.observed or {}), axis=0)

    def pymc_model(self) -> "pm.Model":
        """Return the model, whose data can be swapped."""
        return self._model.model

    def starts(self, seed: int) -> StartingPoints:
        """Return random states of the derivation, or draws from the prior where there is none."""
        return PriorStarts(self._model, seed) if self.problem.derivation is None else super().starts(seed)

    @property
    def _model(self) -> DataModel:
        if self.model is None:
            raise InputError("the problem has no PyMC model, which this method needs")
        return self.model
