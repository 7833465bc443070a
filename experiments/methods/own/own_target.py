"""What a user's module offers to a study, found by a name such as ``my_model:problem``, and as a target.

The target is known by that name alone, so that it can be sent to workers; each process loads the module, and
builds and compiles the PyMC model, when first asked for it.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.checks.log_joint import PyMCLogJoint, from_pymc
from experiments.config.plugins import find, source_file
from experiments.engine.fingerprint import data_hash
from experiments.methods.own.own_problem import OwnProblem, checked_model
from experiments.methods.own.variables import Factors, as_tree, factors_of, quantities_of, with_quantities
from experiments.posterior.draws import flat
from experiments.posterior.quantities import stored_quantities
from experiments.records.problem import Draws
from experiments.records.target import Approximation, StartingPoints
from hand_cavi import InputError

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

_MOST_KEPT = 4  # models that a process keeps built and compiled


@dataclass(frozen=True)
class OwnTarget:
    """A `Target`: the model of a name like ``my_model:problem``, whose module may lie in `folder`."""

    name: str
    folder: Path | None = None

    @property
    def problem(self) -> OwnProblem:
        """What the user's module offers."""
        return _problem(self)

    @property
    def factors(self) -> Factors:
        """The derivation's factors whose variables the PyMC model has."""
        return _factors(self)

    @property
    def structure(self) -> str | None:
        """None: the model has its data in it."""
        return None

    @property
    def data(self) -> Mapping[str, np.ndarray]:
        """Nothing, for the same reason."""
        return {}

    def content(self) -> dict[str, object]:
        """Return its name, and the hash of the arrays that the derivation holds."""
        return {"model": self.name, "data": data_hash(*self.problem.data)}

    def log_joint(self, draws: Draws) -> np.ndarray:
        """Return log p(x, theta) in nats, shape (S,), of draws of the PyMC model's variables."""
        return _log_joint(self)(draws)

    def pymc_model(self) -> "pm.Model":
        """Return the user's model.

        Raises
        ------
        InputError
            If it cannot be built, has no free variables, or has discrete ones or others than the derivation.
        """
        _factors(self)
        return _model(self)

    def starts(self, seed: int) -> StartingPoints:
        """Return the random states of this seed."""
        return RandomStates(self, seed)

    def quantities(self, tree: "xr.DataTree") -> Draws:
        """Return what is compared, as `quantities_of`; of a tree that `as_tree` made, what it keeps."""
        if "quantities" in tree.children:
            return stored_quantities(tree)
        return quantities_of(self.problem.quantities, tree)

    def symmetrise(self, q: Approximation, draws: Draws) -> None:
        """Return None: which relabellings leave the model as it is, nobody has said."""

    def as_tree(
        self,
        chains: Mapping[str, np.ndarray],
        *,
        sample_stats: Mapping[str, np.ndarray] | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> "xr.DataTree":
        """Return draws, arrays (C, M, ...), as a DataTree; what is compared is its group ``quantities``.

        Of each draw there is ``log_joint``, ln p(x, theta), among its ``sample_stats``.
        """
        stats = dict(sample_stats or {})
        if "log_joint" not in stats:
            shape = next(iter(chains.values())).shape[:2]
            stats["log_joint"] = self.log_joint(flat(dict(chains))).reshape(shape)
        tree = as_tree(chains, sample_stats=stats, attributes=attributes)
        return with_quantities(tree, self.quantities(tree))


@dataclass(frozen=True)
class RandomStates:
    """The starts of a model of the user's own: its derivation's random states, the same for every method."""

    target: OwnTarget
    seed: int

    def parameters(self, n: int) -> list[Draws]:
        """Return values of the PyMC model's variables: one draw from q at each of n random states."""
        factors, found = self.target.factors, []
        for rng in np.random.default_rng(self.seed).spawn(n):
            draws = factors.at(factors.guarded.initial(rng)).sample(rng, 1)
            found.append({name: values[0].astype(float) for name, values in draws.items()})
        return found


def load(name: str, folder: Path | None = None) -> OwnProblem:
    """Return the problem of a name like ``my_model:problem``.

    Parameters
    ----------
    name : str
        A module and an attribute of it: an `OwnProblem`, or a function that returns one.
    folder : Path, optional
        Where a file ``my_model.py`` is looked for first; else the current folder, and what is installed.

    Raises
    ------
    InputError
        If there is no such module or attribute, or it is something else.
    """
    problem: object = _found(name, folder)
    if callable(problem):
        try:
            problem = problem()
        except InputError as error:
            raise InputError(f'"{name}" cannot be used: {error}') from None
        except Exception as error:
            raise InputError(f'"{name}" failed: {type(error).__name__}: {error}') from error
    if not isinstance(problem, OwnProblem):
        raise InputError(
            f'"{name}" gives an object of type {type(problem).__name__}; it must be, or return, an '
            "experiments.custom.CustomProblem"
        )
    return problem


def file_of(name: str, folder: Path | None = None) -> Path | None:
    """Return the file in which the problem of this name was written; None if it is unknown."""
    return source_file(_found(name, folder))


def _found(name: str, folder: Path | None) -> object:
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise InputError(f'"{name}" names no problem; write "my_module:problem"')
    if module.endswith(".py"):
        raise InputError(f'"{name}" names a file; write "{Path(module).stem}:{attribute}", without .py')
    if folder is not None and str(folder.absolute()) not in sys.path:
        sys.path.insert(0, str(folder.absolute()))
    return find("models", name)


@lru_cache(_MOST_KEPT)
def _problem(target: OwnTarget) -> OwnProblem:
    return load(target.name, target.folder)


@lru_cache(_MOST_KEPT)
def _model(target: OwnTarget) -> "pm.Model":
    """Return the user's model, looked at as `OwnTarget.pymc_model` says."""
    return checked_model(target.problem)


@lru_cache(_MOST_KEPT)
def _factors(target: OwnTarget) -> Factors:
    if target.problem.derivation is None:
        raise InputError("the problem has no derivation, which this method needs")
    return factors_of(target.problem.derivation, [variable.name for variable in _model(target).free_RVs])


@lru_cache(_MOST_KEPT)
def _log_joint(target: OwnTarget) -> PyMCLogJoint:
    return from_pymc(_model(target))
