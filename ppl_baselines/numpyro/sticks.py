"""A Dirichlet by breaking a stick, and the log odds of where it is broken.

v_t ~ Beta(a_t, b_t),    pi_t = v_t prod_{j<t} (1 - v_j) for t < C,    pi_C takes the rest

pi ~ Dirichlet(alpha) if a_t = alpha_t and b_t = alpha_{t+1} + ... + alpha_C (Connor & Mosimann 1969). The
variable is u_t = log v_t - log(1 - v_t), whose density is that of v_t times v_t (1 - v_t):

    log p(u_t) = a_t log v_t + b_t log(1 - v_t) - log B(a_t, b_t)

NumPyro's own `Dirichlet` forms pi first, and its sigmoid stops at 1 - 1e-16: beyond that the density is wrong
in the tail where small concentrations have their mass. Here log v and log(1 - v) are finite wherever u is.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import betaln


class BetaLogOdds(dist.Distribution):
    """The log odds of a variable that is Beta(a, b).

    Parameters
    ----------
    a, b : array
        Of one shape.
    """

    support = dist.constraints.real

    def __init__(self, a: jax.Array, b: jax.Array, *, validate_args: bool | None = None) -> None:
        self.a, self.b = a, b
        super().__init__(batch_shape=jnp.shape(a), validate_args=validate_args)

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> jax.Array:
        """Return draws of u, by two Gamma variables."""
        of_a, of_b = jax.random.split(key)
        shape = (*sample_shape, *self.batch_shape)
        return jax.random.loggamma(of_a, self.a, shape) - jax.random.loggamma(of_b, self.b, shape)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """Return log p(u)."""
        return (
            self.a * jax.nn.log_sigmoid(value) + self.b * jax.nn.log_sigmoid(-value) - betaln(self.a, self.b)
        )


def of_dirichlet(concentration: jax.Array) -> BetaLogOdds:
    """Return the distribution of u, shape (..., C - 1), for alpha, shape (..., C)."""
    behind = jnp.cumsum(concentration[..., ::-1], axis=-1)[..., ::-1]
    return BetaLogOdds(concentration[..., :-1], behind[..., 1:])


def log_shares(log_odds: jax.Array) -> jax.Array:
    """Return log pi, shape (..., C), from u, shape (..., C - 1)."""
    none = jnp.zeros((*log_odds.shape[:-1], 1))
    broken = jnp.concatenate([jax.nn.log_sigmoid(log_odds), none], axis=-1)
    left = jnp.concatenate([none, jnp.cumsum(jax.nn.log_sigmoid(-log_odds), axis=-1)], axis=-1)
    return broken + left
