"""Equal weights that are known: c_i ~ Cat(1/K)."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp


def declare(weights: Any, n_components: int) -> dict[str, jax.Array]:
    """Return no variables: there is nothing to infer."""
    return {}


def log_weights(weights: Any, variables: Mapping[str, jax.Array], n_components: int) -> jax.Array:
    """Return log pi_k = -log K, shape (K,)."""
    return jnp.full(n_components, -jnp.log(n_components))
