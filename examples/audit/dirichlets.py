"""Dirichlets over the last axis of alpha, any number of them."""

import numpy as np
from scipy.special import digamma

from examples.mutations.densities import log_c


def expected_log(alpha: np.ndarray) -> np.ndarray:
    """Return E[ln p] = psi(alpha) - psi(sum alpha), of alpha's shape."""
    return digamma(alpha) - digamma(alpha.sum(axis=-1, keepdims=True))


def kl(alpha: np.ndarray, prior: np.ndarray) -> float:
    """Return the sum of KL = ln C(alpha) - ln C(alpha_0) + (alpha - alpha_0)' E[ln p]."""
    prior = np.broadcast_to(prior, alpha.shape)
    return float(np.sum(log_c(alpha) - log_c(prior)) + np.sum((alpha - prior) * expected_log(alpha)))
