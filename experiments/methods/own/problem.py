"""What a user's module offers to a study, and finding it by a name such as ``my_model:problem``."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.plugins import find, source_file
from hand_cavi import InputError

_METHODS = ("factors", "initial", "update", "elbo", "sample", "log_density")


@dataclass(frozen=True)
class CustomProblem:
    """A model derived by hand, and the same model in PyMC.

    Attributes
    ----------
    derivation : Derivation
        See `hand_cavi.derivation`. Its data are part of it.
    model : callable
        Takes nothing and returns the ``pm.Model`` with the same data. Its free variables have the names of
        the derivation's; those of the derivation that it lacks, such as discrete ones, are summed out in it.
        Nothing of PyMC need be imported before it is called.
    quantities : callable, optional
        Takes draws by name, arrays (S, ...), and returns what is compared, by name, each of shape (S,). Give
        it where variables can be swapped without changing the model, as clusters can: compare what does not
        depend on their numbering. Without it, every number that the model's variables hold is compared.
    about_model, about_data : str
        A sentence each, for the report.
    """

    derivation: Any
    model: Callable[[], Any]
    quantities: Callable[[dict[str, np.ndarray]], Mapping[str, np.ndarray]] | None = None
    about_model: str = ""
    about_data: str = ""

    def __post_init__(self) -> None:
        lacking = [name for name in _METHODS if not hasattr(self.derivation, name)]
        if isinstance(self.derivation, type):
            name = self.derivation.__name__
            raise InputError(f"derivation is the class {name} itself; give an object: {name}(...)")
        if lacking:
            raise InputError(
                f"the derivation, of type {type(self.derivation).__name__}, lacks {' and '.join(lacking)}"
            )
        if not callable(self.model) or type(self.model).__name__ == "Model":
            raise InputError(
                f"model is of type {type(self.model).__name__}; give a function that returns the pm.Model"
            )
        if self.quantities is not None and not callable(self.quantities):
            raise InputError("quantities must be a function of draws by name, or be left out")

    @property
    def data(self) -> list[np.ndarray]:
        """The arrays that the derivation holds, by which a change of the data is noticed."""
        held = getattr(self.derivation, "__dict__", {})
        return [held[name] for name in sorted(held) if isinstance(held[name], np.ndarray)]


def load(name: str, folder: Path | None = None) -> CustomProblem:
    """Return the problem of a name like ``my_model:problem``.

    Parameters
    ----------
    name : str
        A module and an attribute of it: a `CustomProblem`, or a function that returns one.
    folder : Path, optional
        Where a file ``my_model.py`` is looked for first; else the current folder, and what is installed.

    Raises
    ------
    InputError
        If there is no such module or attribute, or it is something else.
    """
    problem = _found(name, folder)
    if callable(problem):
        try:
            problem = problem()
        except InputError as error:
            raise InputError(f'"{name}" cannot be used: {error}') from None
        except Exception as error:
            raise InputError(f'"{name}" failed: {type(error).__name__}: {error}') from error
    if not isinstance(problem, CustomProblem):
        raise InputError(
            f'"{name}" gives an object of type {type(problem).__name__}; it must be, or return, an '
            "experiments.custom.CustomProblem"
        )
    return problem


def file_of(name: str, folder: Path | None = None) -> Path | None:
    """Return the file in which the problem of this name was written; None if it is unknown."""
    return source_file(_found(name, folder))


def _found(name: str, folder: Path | None) -> Any:
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise InputError(f'"{name}" names no problem; write "my_module:problem"')
    if module.endswith(".py"):
        raise InputError(f'"{name}" names a file; write "{Path(module).stem}:{attribute}", without .py')
    if folder is not None and str(folder.absolute()) not in sys.path:
        sys.path.insert(0, str(folder.absolute()))
    return find("models", name)
