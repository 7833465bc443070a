"""Counts: Poisson features of unknown rates.

rate_kd ~ Gamma(a_d, rate b_d),    x_id | c_i = k ~ Poisson(rate_kd)

Fields read: ``shape`` is a and ``rate`` is b, each of shape (D,) or (1,).
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist


def declare(components: Any, n_components: int, n_features: int) -> dict[str, jax.Array]:
    """Sample ``rate``, shape (K, D)."""
    prior = dist.Gamma(jnp.asarray(components.shape), jnp.asarray(components.rate))
    return {"rate": numpyro.sample("rate", prior.expand((n_components, n_features)).to_event(2))}


def log_likelihood(components: Any, variables: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """Return sum_d log Poisson(x_id; rate_kd), shape (N, K)."""
    return dist.Poisson(variables["rate"]).log_prob(x[:, None, :]).sum(axis=-1)
