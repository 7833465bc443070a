"""A Dirichlet in free real numbers: u_c = log p_c - (1/C) sum_j log p_j for c < C.

p ~ Dirichlet(alpha),    |d(p_1, ..., p_{C-1}) / du| = C prod_c p_c,    hence

    log p(u) = log C + log Gamma(sum alpha) - sum_c log Gamma(alpha_c) + sum_c alpha_c log p_c.

These are the coordinates in which PyMC itself samples a `pm.Dirichlet`. But there p is formed first, and the
log density becomes NaN where a p_c underflows to 0; here log p_c is a log-softmax of u, finite wherever u is.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import gammaln


def declare(name: str, concentration: np.ndarray) -> pt.TensorVariable:
    """Add u, shape (..., C - 1), to the model in context.

    Parameters
    ----------
    name : str
    concentration : ndarray, shape (..., C)
        alpha, in float64.
    """
    n_categories = concentration.shape[-1]
    normaliser = gammaln(concentration.sum(axis=-1)) - gammaln(concentration).sum(axis=-1)
    shape = (*concentration.shape[:-1], n_categories - 1)
    return pm.CustomDist(
        name,
        concentration[..., :-1],
        concentration[..., -1],
        np.asarray(np.log(n_categories) + normaliser),
        logp=_log_density,
        support_point=lambda *arguments: pt.zeros(shape),
        signature="(u),(),()->(u)",
        shape=shape,
    )


def log_probability(u: pt.TensorVariable) -> pt.TensorVariable:
    """Return log p, shape (..., C)."""
    all_ratios = pt.concatenate([u, -u.sum(axis=-1, keepdims=True)], axis=-1)
    return pt.special.log_softmax(all_ratios, axis=-1)


def _log_density(
    u: pt.TensorVariable, first: pt.TensorVariable, last: pt.TensorVariable, constant: pt.TensorVariable
) -> pt.TensorVariable:
    """Return log p(u), shape (...), alpha being given as all but the last, and the last."""
    log_p = log_probability(u)
    return constant + (first * log_p[..., :-1]).sum(axis=-1) + last * log_p[..., -1]
