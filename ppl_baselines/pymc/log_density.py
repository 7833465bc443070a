"""A model's log density with its gradient, compiled once: what ADVI, NUTS and every other method evaluate.

u -> log p(x, u) = log p(x, theta) + log |det d theta / du|,  and its gradient;  u = the unconstrained numbers

Compiling costs far more than fitting here, so nothing else of a model is compiled: steps and moves are numpy.
Letters: S points, P unconstrained numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
import pymc as pm

from ppl_baselines.pymc import compilation
from ppl_baselines.pymc.build import load
from ppl_baselines.pymc.compilation import Backend
from ppl_baselines.pymc.coordinates import coordinates_of
from ppl_baselines.unconstrained import Coordinates

BACKEND: Backend = "numba"

STEP = float(np.finfo(float).eps ** (1 / 3))
"""Of central differences, relative to max(1, |u|): what balances rounding and truncation."""


@dataclass(frozen=True)
class LogDensity:
    """The compiled log density of one model.

    Attributes
    ----------
    model : pm.Model
    backend : {"numba", "c", "jax"}
    coordinates : Coordinates
    function : ValueGradFunction
        PyMC's, which PyMC's own samplers take.
    data : mapping of str to ndarray, or None
        What `loaded` puts into the model; None: what is in it.
    """

    model: pm.Model
    backend: Backend
    coordinates: Coordinates
    function: Any
    lock: Any  # the function writes into memory of its own
    data: Mapping[str, np.ndarray] | None = None

    @property
    def size(self) -> int:
        """P."""
        return self.coordinates.size

    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log p(x, u) in nats and its gradient, shape (P,), at u of shape (P,)."""
        with self.lock:
            value, gradient = self.function._pytensor_function(u)
            return float(value), np.array(gradient)

    def values(self, u: np.ndarray) -> np.ndarray:
        """Return log p(x, u), shape (S,), at u of shape (S, P)."""
        return np.array([self.value_and_gradient(one)[0] for one in u])

    def with_data(self, data: Mapping[str, np.ndarray]) -> "LogDensity":
        """Return the same for other data of this model, such as those of `ppl_baselines.data.as_data`."""
        return replace(self, data=data)

    def hessian(self, u: np.ndarray) -> np.ndarray:
        """Return the matrix of second derivatives, shape (P, P): central differences of the gradient.

        They take 2P gradients, and agree with PyTensor's own graph to 1e-9 of the largest entry, which takes
        longer to compile than all fits together (35 to 55 s where the gradient takes 7 to 19).
        """
        rows = []
        for i, step in enumerate(STEP * np.maximum(1.0, np.abs(u))):
            shift = np.zeros_like(u)
            shift[i] = step
            above, below = (self.value_and_gradient(there)[1] for there in (u + shift, u - shift))
            rows.append((above - below) / (2 * step))
        found = np.array(rows)
        return (found + found.T) / 2

    def loaded(self) -> "LogDensity":
        """Put its data into the model, which others may have given theirs, as comes before any evaluation."""
        load(self.model, self.data)
        return self


def compile_log_density(model: pm.Model, backend: Backend = BACKEND) -> LogDensity:
    """Compile a model's log density with its gradient.

    Parameters
    ----------
    model : pm.Model
        As `ppl_baselines.pymc.build.build` makes it, or another one.
    backend : {"numba", "c", "jax"}

    Raises
    ------
    UnavailableError
        If the backend is unknown or not installed, or a variable has a transform that is not known here.
    """
    coordinates = coordinates_of(model)
    values = zip(model.value_vars, coordinates.spans, strict=True)
    function = model.logp_dlogp_function(
        ravel_inputs=True,
        initial_point={variable.name: np.zeros(span.shape) for variable, span in values},
        mode=compilation.mode(backend),
    )
    function.set_extra_values({})
    function.trust_input = True
    found = LogDensity(model, backend, coordinates, function, Lock())
    found.value_and_gradient(np.zeros(found.size))  # numba compiles at the first call
    return found
