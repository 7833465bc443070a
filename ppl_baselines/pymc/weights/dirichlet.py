"""Unknown weights with a Dirichlet prior.

pi ~ Dirichlet(alpha_1, ..., alpha_K),    c_i ~ Cat(pi)

Fields read: ``concentration`` is alpha, shape (K,), or one number for all. The model's variables are log
ratios of the weights: `ppl_baselines.pymc.log_ratios`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt

from ppl_baselines.pymc import log_ratios


def declare(weights: Any, n_components: int) -> dict[str, pt.TensorVariable]:
    """Add ``weights_log_ratios``, shape (K - 1,), to the model in context."""
    concentration = np.broadcast_to(np.asarray(weights.concentration, dtype=float), n_components)
    return {"weights_log_ratios": log_ratios.declare("weights_log_ratios", concentration)}


def log_weights(
    weights: Any, variables: Mapping[str, pt.TensorVariable], n_components: int
) -> pt.TensorVariable:
    """Return log pi_k, shape (K,)."""
    return log_ratios.log_probability(variables["weights_log_ratios"])
