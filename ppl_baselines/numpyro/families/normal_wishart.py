"""Normal components of unknown mean and full precision matrix.

Lambda_k ~ Wishart(W, nu),    mu_k ~ N(m, (beta Lambda_k)^-1),    x_i | c_i = k ~ N(mu_k, Lambda_k^-1)

Bishop, PRML (2006), section 10.2 and equation B.78. Fields read: ``mean`` is m, shape (D,);
``precision_scale`` is beta; ``degrees_of_freedom`` is nu; ``scale_inverse`` is W^-1, shape (D, D). A mean of
shape (1,) with a W^-1 of shape (1, 1) stands for that mean, and for that number times the identity.

The model's variable is L, the Cholesky factor of Lambda = L L', for which NumPyro has the distribution.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist


def declare(components: Any, n_components: int, n_features: int) -> dict[str, jax.Array]:
    """Sample ``precision_cholesky``, shape (K, D, D), and ``mu``, shape (K, D)."""
    mean = jnp.broadcast_to(jnp.asarray(components.mean, dtype=float), (n_components, n_features))
    rate = jnp.asarray(components.scale_inverse, dtype=float)
    if rate.shape == (1, 1):
        rate = rate * jnp.eye(n_features)
    wishart = dist.WishartCholesky(components.degrees_of_freedom, rate_matrix=rate)
    root = numpyro.sample("precision_cholesky", wishart.expand((n_components,)).to_event(1))
    precision = components.precision_scale * root @ root.mT
    of_mu = dist.MultivariateNormal(mean, precision_matrix=precision)
    return {"precision_cholesky": root, "mu": numpyro.sample("mu", of_mu.to_event(1))}


def log_likelihood(components: Any, variables: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """Return log |L_k| + sum_d log N(z_ikd; 0, 1) with z_ik = L_k'(x_i - mu_k), shape (N, K).

    It is `numpyro.distributions.MultivariateNormal` at x_i, which would invert Lambda_k first.
    """
    root = variables["precision_cholesky"]
    z = jnp.einsum("nkd,kde->nke", x[:, None, :] - variables["mu"], root)
    log_size = jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
    return log_size + dist.Normal().log_prob(z).sum(axis=-1)
