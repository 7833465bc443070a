"""Mixture -> PyMC model, the assignments summed out.

theta_k ~ components,    pi ~ weights,    log p(x | theta, pi) = sum_i w_i log sum_k pi_k p(x_i | theta_k)

Components have no order: where the prior of the weights is exchangeable, every relabelling of a mode is a
mode. So the evidence is that of the model as stated, with no K! to add; draws are relabelled afterwards.

The likelihood is one `pm.Potential`, which keeps the graph small: compiling costs far more than sampling
here.

Letters: N points, D features, K components.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike

from ppl_baselines.errors import UnavailableError

DATA = "x"
SAMPLE_WEIGHT = "sample_weight"


def build(mixture: Any, x: ArrayLike, *, sample_weight: ArrayLike | None = None) -> pm.Model:
    """Write a mixture as a PyMC model.

    Parameters
    ----------
    mixture : object
        Read by its fields: ``n_components`` (K), ``components`` and ``weights``, each with a ``name`` and the
        fields that the file of that name in `ppl_baselines.families` or `ppl_baselines.weights` documents.
    x : array_like, shape (N, D)
        The points.
    sample_weight : array_like, shape (N,), optional
        How often each point counts, w_i; 1 if absent.

    Returns
    -------
    pm.Model
        Its free variables are the canonical ones, or coordinates that stand in for them, as
        `ppl_baselines.unconstrained` says. The points and their weights are `pm.Data` named ``x`` and
        ``sample_weight``: `pm.set_data` swaps them, whatever their number, without compiling again.

    Raises
    ------
    UnavailableError
        If there is no PyMC counterpart of the family or of the weights.
    ValueError
        If x is not a matrix, or there is not one weight per point.
    """
    data = as_data(x, sample_weight)
    family = _counterpart(f"ppl_baselines.families.{mixture.components.name}")
    mixing = _counterpart(f"ppl_baselines.weights.{mixture.weights.name}")
    n_components, n_features = mixture.n_components, data[DATA].shape[1]
    coords = {"component": range(n_components), "feature": range(n_features)}
    with pm.Model(coords=coords) as model:
        points, weight_of_point = (pm.Data(name, values) for name, values in data.items())
        theta = family.declare(mixture.components, n_components, n_features)
        pi = mixing.declare(mixture.weights, n_components)
        log_joint = family.log_likelihood(mixture.components, theta, points) + mixing.log_weights(
            mixture.weights, pi, n_components
        )  # log p(x_i, c_i = k | theta, pi), shape (N, K)
        log_likelihood = pt.logsumexp(log_joint, axis=1)  # log p(x_i | theta, pi), shape (N,)
        pm.Potential("log_likelihood", (weight_of_point * log_likelihood).sum())
    return model


def as_data(x: ArrayLike, sample_weight: ArrayLike | None = None) -> dict[str, np.ndarray]:
    """Return points and weights by the names that they have in a model; data that are named stay as they are.

    Raises
    ------
    ValueError
        If x is not a matrix, there is not one weight per point, or a value is masked.
    """
    if isinstance(x, Mapping):
        return {str(name): np.asarray(values) for name, values in x.items()}
    if any(np.ma.is_masked(values) for values in (x, sample_weight)):
        raise ValueError("A value of the data or the weights is masked; fill it in or leave the point out.")
    x = np.asarray(x, dtype=float)
    if x.ndim != 2:
        raise ValueError(f"x has to be a matrix of shape (points, features), but has shape {x.shape}.")
    sample_weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    if sample_weight.shape != (len(x),):
        raise ValueError(f"There are {len(x)} points, but sample_weight has shape {sample_weight.shape}.")
    return {DATA: x, SAMPLE_WEIGHT: sample_weight}


def load(model: pm.Model, data: Mapping[str, np.ndarray] | None) -> None:
    """Put these data in the place of the model's; None leaves them as they are."""
    if data is not None:
        pm.set_data(dict(data), model=model)


def _counterpart(module: str) -> ModuleType:
    """Return the file of a family or of weights; whole names, so that what is imported can be read off."""
    root, folder, name = module.split(".", 2)
    if not name.isidentifier() or find_spec(module) is None:
        raise UnavailableError(
            f"There is no PyMC counterpart of {name!r}: {root}/{folder}/{name}.py is missing."
        )
    return import_module(module)
