"""Counts: Poisson features of unknown rates.

rate_kd ~ Gamma(a_d, rate b_d),    x_id | c_i = k ~ Poisson(rate_kd)

Fields read: ``shape`` is a and ``rate`` is b, each of shape (D,) or (1,). PyMC works on the logarithm of
``rate``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def declare(components: Any, n_components: int, n_features: int) -> dict[str, pt.TensorVariable]:
    """Add ``rate``, shape (K, D), to the model in context.

    The prior's numbers go in as arrays; see `ppl_baselines.pymc.families.normal_known_variance.declare`.
    """
    shape, rate = (np.asarray(numbers, dtype=float) for numbers in (components.shape, components.rate))
    return {"rate": pm.Gamma("rate", alpha=shape, beta=rate, dims=("component", "feature"))}


def log_likelihood(
    components: Any, variables: Mapping[str, pt.TensorVariable], x: pt.TensorVariable
) -> pt.TensorVariable:
    """Return sum_d [x_id log rate_kd - rate_kd - log x_id!], shape (N, K)."""
    rate = variables["rate"]
    log_factorial = pt.gammaln(x + 1).sum(axis=1)
    return x @ pt.log(rate).T - rate.sum(axis=1)[None, :] - log_factorial[:, None]
