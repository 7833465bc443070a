"""A PyMC model's log density without constraints, with its gradient, compiled once for all that need no more.

log p(x, u) = log p(x, theta) + log |det d theta / du|,    theta = g(u)

Laplace's approximation and deterministic ADVI share it. Letters: P unconstrained numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import ArrayLike

from ppl_baselines.data import as_data
from ppl_baselines.pymc import compilation
from ppl_baselines.pymc.build import load
from ppl_baselines.pymc.compilation import Backend
from ppl_baselines.pymc.coordinates import coordinates_of
from ppl_baselines.unconstrained import Coordinates

BACKEND: Backend = "numba"

STEP = float(np.finfo(float).eps ** (1 / 3))
"""Of central differences, relative to max(1, |u|): what balances rounding and truncation."""


@dataclass(frozen=True)
class Prepared:
    """The log density and its gradient, compiled for one model.

    Attributes
    ----------
    model : pm.Model
    coordinates : Coordinates
    compiled : callable
        PyMC's function of [u], u of shape (P,).
    data : mapping of str to ndarray, or None
        What `loaded` puts into the model; None: what is in it.
    """

    model: pm.Model
    coordinates: Coordinates
    compiled: Callable[..., Any]
    data: Mapping[str, np.ndarray] | None = None

    def loaded(self) -> "Prepared":
        """Put the data into the model, as must be done before anything is evaluated."""
        load(self.model, self.data)
        return self

    def value_and_gradient(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """Return log p(x, u) and its gradient, shape (P,), at u of shape (P,)."""
        value, gradient = self.compiled([u])
        return float(value), np.array(gradient)

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


def prepare(model: pm.Model, *, backend: Backend = BACKEND) -> Prepared:
    """Compile the log density of a model with its gradient.

    Parameters
    ----------
    model : pm.Model
        As `ppl_baselines.pymc.build.build` makes it, or any with transforms of `coordinates.TRANSFORMS`.
    backend : {"numba", "c", "jax"}

    Raises
    ------
    UnavailableError
        If the backend is unknown or not installed, or a variable has another transform.
    """
    compiled = model.logp_dlogp_function(ravel_inputs=True, mode=compilation.mode(backend))
    compiled.trust_input = True
    coordinates = coordinates_of(model)
    compiled([np.zeros(coordinates.size)], extra_vars={})  # numba compiles at the first call
    return Prepared(model, coordinates, compiled)


def with_data(prepared: Prepared, x: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Prepared:
    """Return what is compiled, for other points (N, D) and weights (N,) of the same mixture."""
    return replace(prepared, data=as_data(x, sample_weight))
