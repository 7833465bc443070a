"""Normal components of unknown mean and precision, feature by feature.

lambda_kd ~ Gamma(a, rate b_d)
mu_kd | lambda_kd ~ N(m_d, 1 / (beta lambda_kd)),    x_id | c_i = k ~ N(mu_kd, 1 / lambda_kd)

Bishop, PRML (2006), section 2.3.6. Fields read: ``mean`` is m, ``rate`` is b, each of shape (D,) or (1,);
``precision_scale`` is beta; ``shape`` is a. In the model, lambda is ``precision``; PyMC works on its
logarithm.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def declare(components: Any, n_components: int, n_features: int) -> dict[str, pt.TensorVariable]:
    """Add ``precision`` and ``mu``, both of shape (K, D), to the model in context.

    The prior's numbers go in as arrays; see `ppl_baselines.pymc.families.normal_known_variance.declare`.
    """
    dims = ("component", "feature")
    prior_mean = np.asarray(components.mean, dtype=float)
    rate = np.asarray(components.rate, dtype=float)
    shape, precision_scale = (
        np.full_like(rate, number) for number in (components.shape, components.precision_scale)
    )
    precision = pm.Gamma("precision", alpha=shape, beta=rate, dims=dims)
    mu = pm.Normal("mu", mu=prior_mean, tau=precision_scale * precision, dims=dims)
    return {"precision": precision, "mu": mu}


def log_likelihood(
    components: Any, variables: Mapping[str, pt.TensorVariable], x: pt.TensorVariable
) -> pt.TensorVariable:
    """Return (1/2) sum_d [log lambda_kd - log 2 pi - lambda_kd (x_id - mu_kd)^2], shape (N, K)."""
    mu, precision = variables["mu"][None, :, :], variables["precision"][None, :, :]
    square = precision * (x[:, None, :] - mu) ** 2
    return 0.5 * (pt.log(precision) - np.log(2 * np.pi) - square).sum(axis=-1)
