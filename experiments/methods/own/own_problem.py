"""What a user's module offers: a derivation, the same model in PyMC, and where other data go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.records.problem import Draws
from hand_cavi import InputError
from hand_cavi.derivation import Derivation

if TYPE_CHECKING:
    import pymc as pm

_METHODS = ("factors", "initial", "update", "elbo", "sample", "log_density")


@dataclass(frozen=True)
class OwnProblem:
    """A model derived by hand, and the same model in PyMC.

    A study needs both, a calibration one of them.

    Attributes
    ----------
    derivation : Derivation or None
        See `hand_cavi.derivation`. Its data are part of it.
    model : callable or None
        Takes nothing and returns the ``pm.Model`` with the same data. Its free variables have the names of
        the derivation's; those of the derivation that it lacks, such as discrete ones, are summed out in it.
        Nothing of PyMC need be imported before it is called.
    quantities : callable, optional
        Takes draws by name, arrays (S, ...), and returns what is compared, by name, each of shape (S,). Give
        it where variables can be swapped without changing the model, as clusters can: compare what does not
        depend on their numbering. Without it, every number that the model's variables hold is compared.
    about_model, about_data : str
        A sentence each, for the report.
    with_data : callable, optional
        Takes data by name, as the PyMC model's observed variables or `simulate` have them, and returns the
        same problem with those data. A calibration of a derivation needs it.
    simulate : callable, optional
        Takes a numpy.random.Generator and returns two dictionaries: one draw of the variables from the prior,
        and data given it. Without it, a calibration draws both from the PyMC model.
    log_joint : callable, optional
        ln p(x, z) of draws by name, shape (S,), where there is no PyMC model: one more quantity to rank.
    """

    derivation: Derivation[Any] | None = None
    model: Callable[[], "pm.Model"] | None = None
    quantities: Callable[[Draws], Mapping[str, np.ndarray]] | None = None
    about_model: str = ""
    about_data: str = ""
    with_data: Callable[[Draws], "OwnProblem"] | None = None
    simulate: Callable[[np.random.Generator], tuple[Draws, Draws]] | None = None
    log_joint: Callable[[Draws], np.ndarray] | None = None

    def __post_init__(self) -> None:
        if self.derivation is None and self.model is None:
            raise InputError("there is neither a derivation nor a model; give at least one of them")
        if isinstance(self.derivation, type):
            name = self.derivation.__name__
            raise InputError(f"derivation is the class {name} itself; give an object: {name}(...)")
        lacking = [name for name in _METHODS if not hasattr(self.derivation, name)]
        if self.derivation is not None and lacking:
            kind = type(self.derivation).__name__
            raise InputError(f"the derivation, of type {kind}, lacks {' and '.join(lacking)}")
        if self.model is not None and (not callable(self.model) or type(self.model).__name__ == "Model"):
            raise InputError(
                f"model is of type {type(self.model).__name__}; give a function that returns the pm.Model"
            )
        for name, of in _FUNCTIONS.items():
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise InputError(f"{name} must be a function of {of}, or be left out")

    @property
    def data(self) -> list[np.ndarray]:
        """The arrays that the derivation holds, by which a change of the data is noticed."""
        held = getattr(self.derivation, "__dict__", {})
        return [held[name] for name in sorted(held) if isinstance(held[name], np.ndarray)]


_FUNCTIONS = {
    "quantities": "draws by name",
    "with_data": "data by name",
    "simulate": "a random generator",
    "log_joint": "draws by name",
}


def checked_model(problem: OwnProblem) -> "pm.Model":
    """Return the user's model, built.

    Raises
    ------
    InputError
        If there is none, it cannot be built, has no free variables, or has discrete ones.
    """
    import pymc as pm

    if problem.model is None:
        raise InputError("there is no PyMC model; give the problem a function model() that returns it")
    try:
        model = problem.model()
    except Exception as error:
        raise InputError(f"model() failed: {type(error).__name__}: {error}") from error
    if not isinstance(model, pm.Model):
        raise InputError(f"model() returned an object of type {type(model).__name__}; it must be a pm.Model")
    if not model.free_RVs:
        raise InputError("model() has no free variables: everything in it is observed")
    discrete = [variable.name for variable in model.free_RVs if variable.dtype.startswith(("int", "uint"))]
    if discrete:
        raise InputError(
            f"model() has the discrete variables {', '.join(discrete)}, which ADVI and NUTS cannot take; "
            "sum them out, and keep them in the derivation"
        )
    return model
