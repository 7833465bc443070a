"""The model: K components of one family, with mixing weights; and its log density.

theta_k ~ components,   pi ~ weights,   c_i ~ Categorical(pi),   x_i | c_i ~ p(x | theta_{c_i})
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, as_count, as_rows, as_sample_weight, refuse_beyond_memory
from hand_cavi.numerics.special import logsumexp
from hand_cavi.weights.mixing import MixingWeights

_BLOCK = 1 << 20  # numbers held at once by log_joint: 8 MB


@dataclass(frozen=True)
class Mixture:
    """A mixture's prior.

    Attributes
    ----------
    components : ConjugateFamily
        The prior of every theta_k.
    weights : MixingWeights
        The prior of pi.
    n_components : int
        K.

    Raises
    ------
    InputError
        If K is not a whole number above zero, or beyond memory, or the weights are for another K.
    """

    components: ConjugateFamily
    weights: MixingWeights
    n_components: int

    def __post_init__(self) -> None:
        n_components = as_count(self.n_components, "n_components")
        # Of the weights the covariance is held, and what it is made from: 2 K^2 numbers, as measured.
        held = n_components * (2 * n_components + self.components.natural.shape[-1])
        refuse_beyond_memory(held, f"mixtures of {n_components} components")
        object.__setattr__(self, "n_components", n_components)
        object.__setattr__(self, "weights", self.weights.for_components(n_components))


def log_joint(
    mixture: Mixture, x: ArrayLike, draws: Draws, sample_weight: ArrayLike | None = None
) -> np.ndarray:
    """Return log p(x, theta, pi) with the assignments summed out.

    Parameters
    ----------
    mixture : Mixture
    x : array_like, shape (N,) or (N, D)
    draws : dict of ndarray
        Canonical draws, such as ``mu`` of shape (S, K, D).
    sample_weight : array_like, shape (N,), optional
        Each point's log likelihood counts this often.

    Returns
    -------
    ndarray, shape (S,)
        In nats, every constant kept; densities are in the units of x and theta.
    """
    rows = as_rows(x)
    prior = mixture.components.with_features(rows.shape[1])
    prior.check_data(rows)
    weight = as_sample_weight(sample_weight, len(rows))
    n_draws = len(next(iter(draws.values())))

    coordinates = prior.coordinates(rows, weight)
    inner = prior.seen_from(coordinates)
    inner_draws, log_jacobian = prior.draws_seen_from(coordinates, draws)
    inner_rows = coordinates.apply(rows)
    statistics, log_base = inner.statistics(inner_rows), inner.log_base(inner_rows)

    phi = inner.phi(inner_draws)
    log_weights = mixture.weights.log_weights(draws, n_draws)
    log_prior = np.sum(inner.log_density(inner_draws) + log_jacobian, axis=1)
    log_prior = log_prior + mixture.weights.log_density(draws, n_draws)

    log_likelihood = np.empty(n_draws)
    for block in _blocks(n_draws, max(1, _BLOCK // (len(rows) * mixture.n_components))):
        per_component = np.einsum("np,skp->snk", statistics, phi[block], optimize=True)
        per_component += log_weights[block, np.newaxis, :]
        log_likelihood[block] = logsumexp(per_component, axis=2) @ weight
    constant = log_base @ weight - weight.sum() * coordinates.log_volume
    return log_prior + log_likelihood + constant


def _blocks(n: int, size: int) -> Iterator[slice]:
    for start in range(0, n, size):
        yield slice(start, start + size)
