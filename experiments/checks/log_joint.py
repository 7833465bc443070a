"""The log joint density, from a function or from a PyMC model whose discrete variables are kept."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hand_cavi import InputError

if TYPE_CHECKING:
    import pymc as pm


def as_log_joint(log_joint: object, data: object) -> object:
    """Return a function of values by name: a model is compiled, and data are filled in where wanted."""
    if type(log_joint).__module__.partition(".")[0] == "pymc":
        return from_pymc(log_joint)
    if callable(log_joint) and data is not None and takes(log_joint, {}, None) and not takes(log_joint, {}):
        return lambda values: log_joint(values, data)
    return log_joint


def takes(function: Callable[..., object], *arguments: object) -> bool:
    """Whether a function can be called with these arguments."""
    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError):
        return False
    return True


class PyMCLogJoint:
    """ln p(x, z) of a PyMC model, compiled for many draws at once, discrete variables included.

    Parameters
    ----------
    model : pymc.Model
        Its free variables, whose names are in `variables`, must bear the names that the factors draw. It
        stays as it is. Densities are those of the variables themselves, without transforms and Jacobians.

    Raises
    ------
    InputError
        If the model has no free variables, or cannot be compiled for many draws at once.
    """

    def __init__(self, model: "pm.Model") -> None:
        import pymc as pm
        import pytensor.tensor as pt
        from pymc.model.transform.conditioning import remove_value_transforms
        from pytensor.graph.replace import vectorize_graph

        if not model.free_RVs:
            raise InputError("the PyMC model has no free variables; there is nothing to infer")
        plain = self._plain = remove_value_transforms(model)
        self.variables = tuple(str(rv.name) for rv in plain.free_RVs)
        values = [plain.rvs_to_values[rv] for rv in plain.free_RVs]
        self._dtypes = [value.dtype for value in values]
        rvs = [*plain.basic_RVs, *plain.potentials]
        self._names = [str(rv.name) for rv in rvs]
        parts = [pt.sum(part) for part in plain.logp(vars=rvs, jacobian=False, sum=False)]
        batched = [pt.tensor(f"{v.name}_draws", dtype=v.dtype, shape=(None, *v.type.shape)) for v in values]
        try:
            found = vectorize_graph(parts, replace=dict(zip(values, batched, strict=True)))
            # a part that depends on no unknown has no axis of draws
            n = batched[0].shape[0]
            many = [part if part.ndim else pt.repeat(part[None], n) for part in map(pt.as_tensor, found)]
            self._parts = pm.compile(batched, many, on_unused_input="ignore")
        except Exception as error:
            raise InputError(f"the PyMC model cannot be compiled: {type(error).__name__}: {error}") from error

    def load(self, data: Mapping[str, np.ndarray]) -> None:
        """Put other values in the place of the model's `pm.Data`, by name."""
        import pymc as pm

        pm.set_data(dict(data), model=self._plain)

    def __call__(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return ln p, shape (S,), in nats."""
        return np.sum(list(self.terms(values).values()), axis=0)

    def terms(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the log density of every variable, observed ones and potentials included, by name."""
        pairs = zip(self.variables, self._dtypes, strict=True)
        given = [np.asarray(values[name], dtype=dtype) for name, dtype in pairs]
        return dict(zip(self._names, self._parts(*given), strict=True))


from_pymc = PyMCLogJoint
