"""Categories: categorical features of unknown probabilities.

p_kd ~ Dirichlet(alpha_d),    x_id | c_i = k ~ Categorical(p_kd)

Fields read: ``concentration`` is alpha, shape (D, C) or (1, C); a point holds the numbers of its categories,
from 0. The model's variables are log odds of sticks: `ppl_baselines.numpyro.sticks`.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist

from ppl_baselines.numpyro import sticks


def declare(components: Any, n_components: int, n_features: int) -> dict[str, jax.Array]:
    """Sample ``probability_log_odds``, shape (K, D, C - 1)."""
    concentration = jnp.asarray(components.concentration, dtype=float)
    shape = (n_components, n_features, concentration.shape[-1])
    prior = sticks.of_dirichlet(jnp.broadcast_to(concentration, shape))
    return {"probability_log_odds": numpyro.sample("probability_log_odds", prior.to_event(3))}


def log_likelihood(components: Any, variables: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """Return sum_d log Categorical(x_id; p_kd), shape (N, K)."""
    log_probability = sticks.log_shares(variables["probability_log_odds"])
    categories = x[:, None, :].astype(int)
    return dist.Categorical(logits=log_probability).log_prob(categories).sum(axis=-1)
