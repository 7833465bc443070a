"""Normal components whose noise variance is known.

mu_k ~ N(m0, v I),    x_i | c_i = k ~ N(mu_k, s I)

The textbook's mixture (Blei, Kucukelbir & McAuliffe 2017, section 3) is m0 = 0, v = sigma^2, s = 1, D = 1.
Fields read: ``mean`` is m0, shape (D,); ``variance`` is v; ``noise_variance`` is s.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def declare(components: Any, n_components: int, n_features: int) -> dict[str, pt.TensorVariable]:
    """Add ``mu``, shape (K, D), to the model in context.

    The prior's numbers go in as arrays: PyTensor makes a Python float that fits float32 a float32 constant,
    and its logarithm, taken in float32, would be wrong in the ninth digit.
    """
    prior_mean = np.asarray(components.mean, dtype=float)
    prior_sd = np.full_like(prior_mean, np.sqrt(components.variance))
    return {"mu": pm.Normal("mu", mu=prior_mean, sigma=prior_sd, dims=("component", "feature"))}


def log_likelihood(
    components: Any, variables: Mapping[str, pt.TensorVariable], x: pt.TensorVariable
) -> pt.TensorVariable:
    """Return log N(x_i; mu_k, s I) = -(1/2) sum_d [log(2 pi s) + (x_id - mu_kd)^2 / s], shape (N, K).

    The difference is squared as it stands: the product form x'mu saves little here and loses digits far from
    0.
    """
    noise_variance = float(components.noise_variance)
    square = (x[:, None, :] - variables["mu"][None, :, :]) ** 2
    return -0.5 * (np.log(2 * np.pi * noise_variance) + square / noise_variance).sum(axis=-1)
