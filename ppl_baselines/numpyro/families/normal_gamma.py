"""Normal components of unknown mean and precision, feature by feature.

lambda_kd ~ Gamma(a, rate b_d)
mu_kd | lambda_kd ~ N(m_d, 1 / (beta lambda_kd)),    x_id | c_i = k ~ N(mu_kd, 1 / lambda_kd)

Bishop, PRML (2006), section 2.3.6. Fields read: ``mean`` is m, ``rate`` is b, each of shape (D,) or (1,);
``precision_scale`` is beta; ``shape`` is a. In the model, lambda is ``precision``.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist


def declare(components: Any, n_components: int, n_features: int) -> dict[str, jax.Array]:
    """Sample ``precision`` and ``mu``, both of shape (K, D)."""
    shape = (n_components, n_features)
    of_precision = dist.Gamma(components.shape, jnp.asarray(components.rate)).expand(shape)
    precision = numpyro.sample("precision", of_precision.to_event(2))
    of_mu = dist.Normal(jnp.asarray(components.mean), 1 / jnp.sqrt(components.precision_scale * precision))
    return {"precision": precision, "mu": numpyro.sample("mu", of_mu.to_event(2))}


def log_likelihood(components: Any, variables: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """Return sum_d log N(x_id; mu_kd, 1 / lambda_kd), shape (N, K)."""
    noise = dist.Normal(variables["mu"], 1 / jnp.sqrt(variables["precision"]))
    return noise.log_prob(x[:, None, :]).sum(axis=-1)
