"""Mixture -> NumPyro model, the assignments summed out.

theta_k ~ components,    pi ~ weights,    log p(x | theta, pi) = sum_i w_i log sum_k pi_k p(x_i | theta_k)

A model of NumPyro is a function of its data. Components have no order: see `ppl_baselines.pymc.build`.

Letters: N points, D features, K components, P unconstrained numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpy.typing import ArrayLike

from ppl_baselines.data import DATA, as_data
from ppl_baselines.errors import UnavailableError


@dataclass(frozen=True)
class Model:
    """A model of NumPyro with data to run it on.

    Attributes
    ----------
    function : callable
        The model itself; its arguments are the data, by name.
    data : mapping of str to ndarray
        ``x``, shape (N, D), and ``sample_weight``, shape (N,).
    """

    function: Callable[..., None]
    data: Mapping[str, np.ndarray]


def build(mixture: Any, x: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Model:
    """Write a mixture as a NumPyro model.

    Parameters
    ----------
    mixture : object
        Read by its fields: ``n_components`` (K), ``components`` and ``weights``, each with a ``name`` and the
        fields that the file of that name in `ppl_baselines.numpyro.families` or
        `ppl_baselines.numpyro.weights` documents.
    x : array_like, shape (N, D)
        The points.
    sample_weight : array_like, shape (N,), optional
        How often each point counts, w_i; 1 if absent.

    Returns
    -------
    Model
        Its variables are the canonical ones, or coordinates that stand in for them, as
        `ppl_baselines.numpyro.coordinates` says.

    Raises
    ------
    UnavailableError
        If there is no NumPyro counterpart of the family or of the weights.
    ValueError
        If x is not a matrix, or there is not one weight per point.
    """
    data = as_data(x, sample_weight)
    family = _counterpart(f"ppl_baselines.numpyro.families.{mixture.components.name}")
    mixing = _counterpart(f"ppl_baselines.numpyro.weights.{mixture.weights.name}")
    n_components, n_features = mixture.n_components, data[DATA].shape[1]

    def model(x: jax.Array, sample_weight: jax.Array) -> None:
        theta = family.declare(mixture.components, n_components, n_features)
        pi = mixing.declare(mixture.weights, n_components)
        log_joint = family.log_likelihood(mixture.components, theta, x) + mixing.log_weights(
            mixture.weights, pi, n_components
        )  # log p(x_i, c_i = k | theta, pi), shape (N, K)
        log_likelihood = jax.scipy.special.logsumexp(log_joint, axis=1)  # log p(x_i | theta, pi), shape (N,)
        numpyro.factor("log_likelihood", jnp.sum(sample_weight * log_likelihood))

    return Model(model, data)


def _counterpart(module: str) -> ModuleType:
    """Return the file of a family or of weights; whole names, so that what is imported can be read off."""
    file, name = module.replace(".", "/"), module.split(".", 3)[3]
    if not name.isidentifier() or find_spec(module) is None:
        raise UnavailableError(f"There is no NumPyro counterpart of {name!r}: {file}.py is missing.")
    return import_module(module)
