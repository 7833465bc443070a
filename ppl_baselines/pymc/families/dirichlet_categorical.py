"""Categories: categorical features of unknown probabilities.

p_kd ~ Dirichlet(alpha_d),    x_id | c_i = k ~ Categorical(p_kd)

Fields read: ``concentration`` is alpha, shape (D, C) or (1, C); a point holds the numbers of its categories,
from 0. The model's variables are log ratios of the probabilities: `ppl_baselines.pymc.log_ratios`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt

from ppl_baselines.pymc import log_ratios


def declare(components: Any, n_components: int, n_features: int) -> dict[str, pt.TensorVariable]:
    """Add ``probability_log_ratios``, shape (K, D, C - 1), to the model in context."""
    concentration = np.asarray(components.concentration, dtype=float)
    concentration = np.broadcast_to(concentration, (n_components, n_features, concentration.shape[-1]))
    return {"probability_log_ratios": log_ratios.declare("probability_log_ratios", concentration)}


def log_likelihood(
    components: Any, variables: Mapping[str, pt.TensorVariable], x: pt.TensorVariable
) -> pt.TensorVariable:
    """Return sum_d log p_kd(x_id) = sum_d sum_c [x_id = c] log p_kdc, shape (N, K)."""
    categories = np.arange(np.shape(components.concentration)[-1])
    indicators = pt.eq(x[:, :, None], categories).astype("float64")
    log_probability = log_ratios.log_probability(variables["probability_log_ratios"])
    return indicators.flatten(2) @ log_probability.flatten(2).T
