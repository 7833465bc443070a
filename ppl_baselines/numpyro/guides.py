"""NumPyro's automatic guides, and what each becomes when it is fitted: q in numpy, or a flow.

The guides see one variable u, all coordinates end to end. Beside Gaussians there is a normalising flow, an
affine shift and scale after NumPyro's inverse autoregressive flow (Kingma et al. 2016):

z ~ N(0, I),    u = m + s f(z),    log q(u) = log N(z) - sum log s - log |det df/dz|

Why that one: q is scored at points that it did not draw, such as its draws with components exchanged, and so
z must be found from any u. An autoregressive f is inverted one coordinate after the other, in P steps, and
exactly; the block neural flow (`AutoBNAFNormal`) has no inverse. The shift lets f begin at a start.

Letters: S draws, P unconstrained numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.distributions import constraints
from numpyro.distributions.transforms import AffineTransform, IndependentTransform
from numpyro.infer import autoguide

from ppl_baselines.unconstrained import Approximation, Coordinates

BLOCK = 500
"""Draws that a compiled function takes at once."""

Parameters = dict[str, Any]


class AutoShiftedFlow(autoguide.AutoIAFNormal):
    """`AutoIAFNormal`, shifted and scaled; of one number, which has no flow, a normal."""

    def _get_posterior(self) -> dist.Distribution:
        shift = numpyro.param("auto_loc", self._init_latent)
        scale = numpyro.param(
            "auto_scale", jnp.full(self.latent_dim, 0.1), constraint=constraints.softplus_positive
        )
        flows = super()._get_posterior().transforms if self.latent_dim > 1 else []
        last = IndependentTransform(AffineTransform(shift, scale), 1)
        return dist.TransformedDistribution(self.get_base_dist(), [*flows, last])


GUIDES: dict[str, type[autoguide.AutoContinuous]] = {
    "mean_field": autoguide.AutoDiagonalNormal,
    "full_rank": autoguide.AutoMultivariateNormal,
    "low_rank": autoguide.AutoLowRankMultivariateNormal,
    "laplace": autoguide.AutoLaplaceApproximation,
    "flow": AutoShiftedFlow,
}
"""The guides by name; all have their centre as the parameter ``auto_loc``."""


@dataclass(frozen=True)
class FlowApproximation(Approximation):
    """A normalising flow.

    Attributes
    ----------
    parameters : dict
        Of the guide.
    forward, log_density_of : callable
        From parameters and z to u; from parameters and u to log q(u); both for `BLOCK` rows of P numbers.
    coordinates : Coordinates
    """

    parameters: Parameters
    forward: Callable[..., jax.Array]
    log_density_of: Callable[..., jax.Array]
    coordinates: Coordinates

    @property
    def finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        return all(bool(np.isfinite(leaf).all()) for leaf in jax.tree.leaves(self.parameters))

    def sample_unconstrained(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return u = m + s f(z) with z ~ N(0, I), shape (n, P)."""
        z = rng.standard_normal((n, self.coordinates.size))
        return in_blocks(lambda block: self.forward(self.parameters, block), z)

    def log_density_unconstrained(self, u: np.ndarray) -> np.ndarray:
        """Return log q(u), shape (S,), at any u of shape (S, P)."""
        return in_blocks(lambda block: self.log_density_of(self.parameters, block), u)


def flow_functions(guide: AutoShiftedFlow) -> tuple[Callable[..., jax.Array], Callable[..., jax.Array]]:
    """Return `FlowApproximation.forward` and `FlowApproximation.log_density_of` of a guide, compiled."""

    def posterior(parameters: Parameters) -> dist.TransformedDistribution:
        return numpyro.handlers.substitute(guide._get_posterior, parameters)()

    def forward(parameters: Parameters, z: jax.Array) -> jax.Array:
        for transform in posterior(parameters).transforms:
            z = transform(z)
        return z

    return jax.jit(forward), jax.jit(lambda parameters, u: posterior(parameters).log_prob(u))


def gaussian_of(guide: str, parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Return m, shape (P,), and L, shape (P, P), of the guides that are Gaussians by their parameters."""
    values = {name.removeprefix("auto_"): np.array(value) for name, value in parameters.items()}
    if guide == "mean_field":
        return values["loc"], np.diag(values["scale"])
    if guide == "full_rank":
        return values["loc"], values["scale_tril"]
    root = values["cov_factor"] * values["scale"][:, np.newaxis]
    return values["loc"], _cholesky(np.diag(values["scale"] ** 2) + root @ root.T)


def laplace_factor(curvature: np.ndarray) -> np.ndarray:
    """Return L with L L' = H^-1, shape (P, P), for H, the Hessian of -log p(x, u) at q's mean.

    Away from a maximum H may have directions without a curvature downwards; q's variance there is 1.
    """
    if not np.isfinite(curvature).all():
        return np.full_like(curvature, np.nan)
    sizes, directions = np.linalg.eigh((curvature + curvature.T) / 2)
    return _cholesky((directions / np.where(sizes > 0, sizes, 1.0)) @ directions.T)


def _cholesky(covariance: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return np.full_like(covariance, np.nan)


def in_blocks(function: Callable[[np.ndarray], jax.Array], rows: np.ndarray) -> np.ndarray:
    """Return a function of `BLOCK` rows, which is compiled for so many, at any number of rows."""
    found = []
    for first in range(0, len(rows), BLOCK):
        block = rows[first : first + BLOCK]
        missing = np.zeros((BLOCK - len(block), rows.shape[1]))
        found.append(np.array(function(np.concatenate([block, missing])))[: len(block)])
    return np.concatenate(found)
