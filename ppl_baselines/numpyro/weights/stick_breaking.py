"""Unknown weights by breaking a stick, the last component taking the rest.

v_t ~ Beta(1, alpha) for t < K,  v_K = 1;    pi_t = v_t prod_{j<t} (1 - v_j),    c_i ~ Cat(pi)

Blei & Jordan (2006), section 3. Fields read: ``concentration`` is alpha, a number. The model's variables are
log odds of sticks: `ppl_baselines.numpyro.sticks`.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro

from ppl_baselines.numpyro import sticks


def declare(weights: Any, n_components: int) -> dict[str, jax.Array]:
    """Sample ``weights_log_odds``, shape (K - 1,)."""
    ones = jnp.ones(n_components - 1)
    prior = sticks.BetaLogOdds(ones, ones * weights.concentration)
    return {"weights_log_odds": numpyro.sample("weights_log_odds", prior.to_event(1))}


def log_weights(weights: Any, variables: Mapping[str, jax.Array], n_components: int) -> jax.Array:
    """Return log pi_t, shape (K,)."""
    return sticks.log_shares(variables["weights_log_odds"])
