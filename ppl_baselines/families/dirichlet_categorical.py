"""Categories: categorical features of unknown probabilities.

p_kd ~ Dirichlet(alpha_d),    x_id | c_i = k ~ Categorical(p_kd)

Fields read: ``concentration`` is alpha, shape (D, C) or (1, C); a point holds the numbers of its categories,
from 0. The probabilities are called ``probability``; PyMC works on C - 1 of their logarithms, the mean taken
away.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def declare(components: Any, n_components: int, n_features: int) -> dict[str, pt.TensorVariable]:
    """Add ``probability``, shape (K, D, C), to the model in context."""
    concentration = np.asarray(components.concentration, dtype=float)
    n_categories = concentration.shape[-1]
    pm.modelcontext(None).add_coord("category", range(n_categories))
    concentration = np.broadcast_to(concentration, (n_components, n_features, n_categories))
    dims = ("component", "feature", "category")
    return {"probability": pm.Dirichlet("probability", a=concentration, dims=dims)}


def log_likelihood(
    components: Any, variables: Mapping[str, pt.TensorVariable], x: pt.TensorVariable
) -> pt.TensorVariable:
    """Return sum_d log p_kd(x_id) = sum_d sum_c [x_id = c] log p_kdc, shape (N, K)."""
    n_categories = np.shape(components.concentration)[-1]
    indicators = pt.eq(x[:, :, None], np.arange(n_categories)).astype("float64")
    log_probability = pt.log(variables["probability"])
    return indicators.flatten(2) @ log_probability.flatten(2).T
