"""Unknown weights by breaking a stick, the last component taking the rest.

v_t ~ Beta(1, alpha) for t < K,  v_K = 1;    pi_t = v_t prod_{j<t} (1 - v_j),    c_i ~ Cat(pi)

Blei & Jordan (2006), section 3. Fields read: ``concentration`` is alpha, a number. The model's variables are
not the weights but the log odds of the sticks, u_t = log v_t - log(1 - v_t), from which log v_t and
log(1 - v_t) are found without cancellation. The density of u_t is that of v_t times v_t (1 - v_t), hence

    log p(u_t) = log alpha + log v_t + alpha log(1 - v_t).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def declare(weights: Any, n_components: int) -> dict[str, pt.TensorVariable]:
    """Add ``stick_log_odds``, shape (K - 1,), to the model in context."""
    concentration = np.full(n_components - 1, weights.concentration, dtype=float)
    return {"stick_log_odds": pm.CustomDist("stick_log_odds", concentration, logp=_log_density)}


def log_weights(
    weights: Any, variables: Mapping[str, pt.TensorVariable], n_components: int
) -> pt.TensorVariable:
    """Return log pi_t = log v_t (0 at K) + sum_{j<t} log(1 - v_j), shape (K,)."""
    log_broken, log_kept = _logarithms(variables["stick_log_odds"])
    nothing = np.zeros(1)
    return pt.concatenate([log_broken, nothing]) + pt.concatenate([nothing, pt.cumsum(log_kept)])


def _log_density(u: pt.TensorVariable, concentration: pt.TensorVariable) -> pt.TensorVariable:
    """Return log p(u_t), shape (K - 1,)."""
    log_broken, log_kept = _logarithms(u)
    return pt.log(concentration) + log_broken + concentration * log_kept


def _logarithms(u: pt.TensorVariable) -> tuple[pt.TensorVariable, pt.TensorVariable]:
    """Return log v_t and log(1 - v_t), both of shape (K - 1,)."""
    return -pt.softplus(-u), -pt.softplus(u)
