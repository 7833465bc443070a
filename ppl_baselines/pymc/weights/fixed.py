"""Equal weights that are known: c_i ~ Cat(1/K)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt


def declare(weights: Any, n_components: int) -> dict[str, pt.TensorVariable]:
    """Return no variables: there is nothing to infer."""
    return {}


def log_weights(
    weights: Any, variables: Mapping[str, pt.TensorVariable], n_components: int
) -> pt.TensorVariable:
    """Return log pi_k = -log K, shape (K,)."""
    return pt.as_tensor(np.full(n_components, -np.log(n_components)))
