"""Unknown weights with a Dirichlet prior.

pi ~ Dirichlet(alpha_1, ..., alpha_K),    c_i ~ Cat(pi)

Fields read: ``concentration`` is alpha, shape (K,), or one number for all. In the model, pi is ``weights``;
PyMC works on K - 1 of their logarithms, the mean taken away.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def declare(weights: Any, n_components: int) -> dict[str, pt.TensorVariable]:
    """Add ``weights``, shape (K,), to the model in context."""
    concentration = np.broadcast_to(np.asarray(weights.concentration, dtype=float), n_components)
    return {"weights": pm.Dirichlet("weights", a=concentration, dims=("component",))}


def log_weights(
    weights: Any, variables: Mapping[str, pt.TensorVariable], n_components: int
) -> pt.TensorVariable:
    """Return log pi_k, shape (K,)."""
    return pt.log(variables["weights"])
