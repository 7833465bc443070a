"""Unknown weights with a Dirichlet prior.

pi ~ Dirichlet(alpha_1, ..., alpha_K),    c_i ~ Cat(pi)

Fields read: ``concentration`` is alpha, shape (K,), or one number for all. The model's variables are log odds
of sticks: `ppl_baselines.numpyro.sticks`.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro

from ppl_baselines.numpyro import sticks


def declare(weights: Any, n_components: int) -> dict[str, jax.Array]:
    """Sample ``weights_log_odds``, shape (K - 1,)."""
    concentration = jnp.broadcast_to(jnp.asarray(weights.concentration, dtype=float), (n_components,))
    prior = sticks.of_dirichlet(concentration)
    return {"weights_log_odds": numpyro.sample("weights_log_odds", prior.to_event(1))}


def log_weights(weights: Any, variables: Mapping[str, jax.Array], n_components: int) -> jax.Array:
    """Return log pi_k, shape (K,)."""
    return sticks.log_shares(variables["weights_log_odds"])
