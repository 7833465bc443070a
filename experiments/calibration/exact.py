r"""Exact places under a mean-field q: the distribution function of a sorted location.

The factors q(theta_k) are independent, so that of K independent numbers with distribution functions F_k the
j-th smallest has

    P(theta_(j) <= t) = P(at least j of the K are <= t),

the tail of a sum of K independent indicators with chances F_k(t) (Poisson's binomial). The F_k are the
marginals of the conjugate families: normal; Student's t under Normal-Gamma and Normal-Wishart (Bishop, PRML
(2006), sections 2.3.6-7); Gamma; Beta.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import betainc, gammainc, ndtr, stdtr

from hand_cavi.conjugate import ConjugateFamily


def sorted_cdf(components: ConjugateFamily, sorted_values: np.ndarray) -> np.ndarray:
    """Return P(the j-th smallest <= t_j) for every entry of the location.

    Parameters
    ----------
    components : ConjugateFamily
        K independent factors q(theta_k).
    sorted_values : ndarray, shape (K, L)
        t_j, ascending in j.

    Returns
    -------
    ndarray, shape (K, L)
    """
    n_components = len(sorted_values)
    marginal = _MARGINALS[components.name](components, sorted_values)  # (j, k, L): F_k(t_j)
    return np.stack([at_least(j + 1, marginal[j]) for j in range(n_components)])


def has_marginals(components: ConjugateFamily) -> bool:
    """Whether the family's marginal distribution functions are known here."""
    return components.name in _MARGINALS


def at_least(number: int, chances: np.ndarray) -> np.ndarray:
    """Return the probability that at least `number` of K independent events happen.

    Parameters
    ----------
    number : int
    chances : ndarray, shape (K, ...)

    Returns
    -------
    ndarray, shape (...)
    """
    n_events = len(chances)
    counts = np.zeros((n_events + 1, *chances.shape[1:]))
    counts[0] = 1.0
    for chance in chances:
        counts[1:] = counts[1:] * (1 - chance) + counts[:-1] * chance
        counts[0] = counts[0] * (1 - chance)
    return np.clip(counts[number:].sum(axis=0), 0.0, 1.0)


def _normal_known_variance(q: Any, t: np.ndarray) -> np.ndarray:
    return ndtr((t[:, np.newaxis] - q.mean) / np.sqrt(q.variance)[:, np.newaxis])


def _normal_gamma(q: Any, t: np.ndarray) -> np.ndarray:
    """mu_d ~ t with 2a degrees of freedom and squared scale b_d / (a beta)."""
    scale = np.sqrt(q.rate / (q.shape * q.precision_scale)[:, np.newaxis])
    return stdtr(2 * q.shape[:, np.newaxis], (t[:, np.newaxis] - q.mean) / scale)


def _normal_wishart(q: Any, t: np.ndarray) -> np.ndarray:
    """mu_d ~ t with nu + 1 - D degrees of freedom f and squared scale (W^-1)_dd / (beta f)."""
    freedom = (q.degrees_of_freedom + 1 - q.mean.shape[-1])[:, np.newaxis]
    square = np.diagonal(q.scale_inverse, axis1=-2, axis2=-1)
    scale = np.sqrt(square / (q.precision_scale[:, np.newaxis] * freedom))
    return stdtr(freedom, (t[:, np.newaxis] - q.mean) / scale)


def _gamma_poisson(q: Any, t: np.ndarray) -> np.ndarray:
    return gammainc(q.shape, q.rate * t[:, np.newaxis])


def _dirichlet_categorical(q: Any, t: np.ndarray) -> np.ndarray:
    """p_dc ~ Beta(alpha_c, sum of the other alphas), for all categories but the last."""
    total = q.concentration.sum(axis=-1, keepdims=True)
    first = q.concentration[..., :-1]
    rest = total - first
    shape = (len(first), -1)
    return betainc(first.reshape(shape), rest.reshape(shape), t[:, np.newaxis])


_MARGINALS: dict[str, Callable[[Any, np.ndarray], np.ndarray]] = {
    "normal_known_variance": _normal_known_variance,
    "normal_gamma": _normal_gamma,
    "normal_wishart": _normal_wishart,
    "gamma_poisson": _gamma_poisson,
    "dirichlet_categorical": _dirichlet_categorical,
}
