"""Data from the prior of a user's own model: out of its PyMC model, or out of its own `simulate`.

The model is built and compiled once, and given the data of one replicate after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments.engine.fingerprint import code_of, data_hash
from experiments.engine.seeds import generator
from experiments.methods.own.data_model import DataModel
from experiments.methods.own.own_problem import OwnProblem
from experiments.methods.own.own_target import OwnTarget, file_of
from experiments.methods.own.replicate_target import ReplicateTarget
from experiments.methods.own.variables import quantities_of_chains
from experiments.records.problem import Draws
from hand_cavi import InputError

KINDS = ("parameters", "log_likelihood", "log_joint")
"""What can be ranked of a model of the user's own: its quantities, and two log densities."""

_WORDS = {"log_likelihood": "log likelihood", "log_joint": "log joint"}


@dataclass(frozen=True, eq=False)
class OwnReplicate:
    """One draw of the user's variables, and data given it; see `experiments.calibration.source`."""

    target: ReplicateTarget
    truth: Draws
    kinds: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What a reader calls the quantities."""
        return (*self._own_names, *(_WORDS[kind] for kind in self.kinds if kind in _WORDS))

    def values(self, draws: Draws) -> np.ndarray:
        """Return the quantities of draws by name, shape (S, Q)."""
        found = self._own(draws) if self._own_names else {}
        if lacking := [name for name in self._own_names if name not in found]:
            raise InputError(f"the draws lack {', '.join(lacking)}, which the truth has")
        columns = [found[name] for name in self._own_names]
        model, problem = self.target.model, self.target.problem
        if model is not None and {"log_likelihood", "log_joint"} & {*self.kinds}:
            likelihood, prior = model.log_terms(draws, self.target.observed or {})
            known = {"log_likelihood": likelihood, "log_joint": likelihood + prior}
            columns += [known[kind] for kind in self.kinds if kind in known]
        elif problem.log_joint is not None and "log_joint" in self.kinds:
            columns.append(np.asarray(problem.log_joint(draws)))
        return np.stack(columns, axis=1)

    def exact_ranks(self, q: Any) -> np.ndarray:
        """Return nothing: a q is known by its draws."""
        return np.zeros(0)

    @property
    def _own_names(self) -> tuple[str, ...]:
        return tuple(self._own(self.truth)) if "parameters" in self.kinds else ()

    def _own(self, draws: Draws) -> Draws:
        chains = {name: np.asarray(values)[np.newaxis] for name, values in draws.items()}
        found = quantities_of_chains(self.target.problem.quantities, chains)
        return {name: values[0] for name, values in found.items()}


@dataclass(frozen=True)
class OwnSource:
    """Replicates of the problem of a name like ``my_model:problem``, whose module may lie in `folder`.

    `model` is what the configuration calls it, and `kinds` are those of `KINDS` that are ranked.
    """

    model: str
    name: str
    folder: Path | None
    seed: int
    kinds: tuple[str, ...]

    @property
    def package(self) -> str:
        """Where its methods are."""
        return "own methods"

    @property
    def base(self) -> OwnTarget:
        """The problem with the user's own data."""
        return OwnTarget(self.name, self.folder)

    def replicate(self, number: int) -> OwnReplicate:
        """Return the replicate of this number.

        Raises InputError if the problem lacks what a calibration needs, or its data do not fit its model.
        """
        rng = generator(self.seed, "calibration", self.model, number)
        truth, data = self._simulated(rng)
        return self.with_data(truth, data)

    def with_data(self, truth: Draws, data: Draws) -> OwnReplicate:
        """Return the replicate with this truth, without an axis of draws, and these data."""
        base = self.base.problem
        problem = given_data(base, data)
        one = {name: np.asarray(value)[np.newaxis] for name, value in truth.items()}
        model = None if base.model is None else _model_of(self, problem, one, data)
        target = ReplicateTarget(self.name, self.folder, problem, model, data)
        return OwnReplicate(target, one, kinds_of(base, self.kinds))

    def content(self) -> dict[str, object]:
        """Return all that replicates depend on: the file that has the problem, and arrays it holds."""
        return {
            **vars(self),
            "folder": "",
            "kinds": list(self.kinds),
            "file": code_of(file_of(self.name, self.folder)),
            "data": data_hash(*self.base.problem.data),
        }

    def _simulated(self, rng: np.random.Generator) -> tuple[Draws, Draws]:
        problem = self.base.problem
        if problem.simulate is None:
            model = own_model(self)
            truth = model.prior_draw(rng)
            return truth, model.data_given(truth, rng)
        try:
            truth, data = problem.simulate(rng)
            return (
                {str(name): np.asarray(value) for name, value in truth.items()},
                {str(name): np.asarray(value) for name, value in data.items()},
            )
        except Exception as error:
            what = "it must return two dictionaries: parameters, and data"
            raise InputError(f"simulate(rng) failed ({type(error).__name__}: {error}); {what}") from error


def kinds_of(problem: OwnProblem, asked: tuple[str, ...] = KINDS) -> tuple[str, ...]:
    """Return those of the kinds asked for that can be had of this problem."""
    has = {
        "parameters": True,
        "log_likelihood": problem.model is not None,
        "log_joint": problem.model is not None or problem.log_joint is not None,
    }
    return tuple(kind for kind in KINDS if kind in asked and has[kind])


def given_data(problem: OwnProblem, data: Mapping[str, np.ndarray]) -> OwnProblem:
    """Return the user's problem with other data; a PyMC model alone is given them where it is compiled."""
    if problem.with_data is None:
        return problem
    try:
        found = problem.with_data(dict(data))
    except Exception as error:
        raise InputError(f"with_data(data) failed: {type(error).__name__}: {error}") from error
    if not isinstance(found, OwnProblem):
        raise InputError(
            f"with_data(data) returned an object of type {type(found).__name__}; it must return the problem"
        )
    return replace(found, quantities=found.quantities or problem.quantities)


def needs_of(problem: OwnProblem) -> str | None:
    """Return what a problem lacks to be calibrated at all, in a sentence; None if it lacks nothing."""
    if problem.simulate is None and problem.model is None:
        return (
            "there is neither a PyMC model nor simulate(rng), and so nothing from which parameters and data "
            "could be drawn; give one of them"
        )
    if problem.derivation is not None and problem.with_data is None:
        return (
            "the problem does not say where other data go; give it with_data, a function of data by name "
            "that returns the problem with them"
        )
    return None


@lru_cache(2)
def own_model(source: OwnSource) -> DataModel:
    """Return the user's model with the user's own data, from which parameters and data are drawn."""
    return DataModel(source.base.problem)


_kept: dict[tuple[object, ...], DataModel] = {}
_MOST_KEPT = 4


def _model_of(source: OwnSource, problem: OwnProblem, truth: Draws, data: Draws) -> DataModel:
    """Return the model of all replicates with data of these shapes; the first is looked at.

    The truth is one draw, arrays (1, ...).
    """
    shapes = {name: np.shape(value) for name, value in data.items()}
    key = (source, *shapes.items())
    if key not in _kept:
        own = own_model(source)
        model = own if own.shapes == shapes else DataModel(problem)
        if source.base.problem.with_data is not None:
            model.check(problem, truth, data)
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = model
    return _kept[key]
