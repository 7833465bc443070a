"""Normal components whose noise variance is known.

mu_k ~ N(m0, v I),    x_i | c_i = k ~ N(mu_k, s I)

Fields read: ``mean`` is m0, shape (D,); ``variance`` is v; ``noise_variance`` is s.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist


def declare(components: Any, n_components: int, n_features: int) -> dict[str, jax.Array]:
    """Sample ``mu``, shape (K, D)."""
    prior = dist.Normal(jnp.asarray(components.mean), jnp.sqrt(components.variance))
    return {"mu": numpyro.sample("mu", prior.expand((n_components, n_features)).to_event(2))}


def log_likelihood(components: Any, variables: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """Return sum_d log N(x_id; mu_kd, s), shape (N, K)."""
    noise = dist.Normal(variables["mu"], jnp.sqrt(components.noise_variance))
    return noise.log_prob(x[:, None, :]).sum(axis=-1)
