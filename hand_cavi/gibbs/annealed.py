r"""Annealed importance sampling by Gibbs: log p(x) from below, and from above where one exact draw is known.

The path leads from the prior to the posterior,

    p_beta(theta, pi)  proportional to  p(theta) p(pi) L_beta(theta, pi),    0 <= beta <= 1,
    L_beta(theta, pi) = prod_i (h(x_i)^beta sum_k pi_k exp(beta < phi(theta_k), T(x_i) >))^w_i,

the likelihood with assignments summed out, each component's density to the power beta. A sweep of Gibbs at
beta, first c, then theta and pi, leaves p_beta as it is and is reversible. With 0 = beta_0 < ... < beta_T = 1
the weight of a path theta_0, ..., theta_{T-1} is

    w = prod_t L_{beta_t}(theta_{t-1}) / L_{beta_{t-1}}(theta_{t-1}).

Forward, from a draw of the prior up, E[w] = p(x); backward, from an exact draw of the posterior down, by the
same sweeps in the other order, E[1 / w] = 1 / p(x). By Jensen's inequality E[log mean w] <= log p(x) and
E[-log mean 1/w] >= log p(x), and by Markov's each misses by more than b nats to the wrong side with a
chance of at most exp(-b). Chains are vectorised. Backward chains that start from one draw share it: all this
still holds, but their spread does not show what another draw would have done.

Sources: Neal (2001); Grosse, Ghahramani & Adams (2015); Grosse, Ancha & Roy (2016).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.ascent.preparing import prepare
from hand_cavi.gibbs.conditionals import Sampler
from hand_cavi.gibbs.sampler import as_multiplicities
from hand_cavi.inputs import Draws, InputError, Seed, as_count, as_rows
from hand_cavi.mixture import Mixture

_STEEPNESS = 2.0
_POWER = 2.0


def temperatures(n: int) -> np.ndarray:
    """Return beta_0 = 0 to beta_n = 1, dense at both ends and densest at 0."""
    sigmoid = 1 / (1 + np.exp(-_STEEPNESS * np.linspace(-1, 1, as_count(n, "temperatures") + 1)))
    return ((sigmoid - sigmoid[0]) / (sigmoid[-1] - sigmoid[0])) ** _POWER


def annealed_weights(
    mixture: Mixture,
    x: ArrayLike,
    *,
    rng: Seed,
    betas: np.ndarray,
    chains: int = 16,
    sample_weight: ArrayLike | None = None,
    exact_draw: Draws | None = None,
) -> np.ndarray:
    """Return log w of every chain in nats, shape (C,).

    Parameters
    ----------
    mixture : Mixture
    x : array_like, shape (N,) or (N, D)
    rng : numpy.random.Generator or int
    betas : ndarray, shape (T + 1,)
        From 0 to 1, ascending; see `temperatures`.
    chains : int
        C.
    sample_weight : array_like of whole numbers, shape (N,), optional
    exact_draw : dict of ndarray, optional
        One draw from the posterior, canonical arrays (K, ...), in the data's units: all chains go backward
        from it. Without, each goes forward from a draw of the prior.

    Raises
    ------
    InputError
        If the data, the weights or the temperatures cannot be used.
    """
    ladder = np.asarray(betas, dtype=np.float64)
    rises = ladder.ndim == 1 and len(ladder) >= 2 and bool(np.all(np.diff(ladder) > 0))
    if not (rises and ladder[0] == 0 and ladder[-1] == 1):
        raise InputError("betas must rise from 0 to 1; hand_cavi.gibbs.annealed.temperatures(n) makes such")
    rows = as_rows(x)
    n_chains, n_components = as_count(chains, "chains"), mixture.n_components
    task, coordinates = prepare(mixture, rows, as_multiplicities(sample_weight, len(rows)))
    sampler = Sampler(task, n_chains, n_components, False, np.random.default_rng(rng))
    if exact_draw is None:
        theta = _prior_draws(sampler)
    else:
        one = {name: np.asarray(values)[np.newaxis] for name, values in exact_draw.items()}
        inner, _ = task.components.draws_seen_from(coordinates, one)
        theta = {name: np.repeat(values, n_chains, axis=0) for name, values in inner.items()}
        ladder = ladder[::-1]
    log_ratio = np.full(n_chains, task.log_base * (ladder[-1] - ladder[0]))
    for here, there in pairwise(ladder):
        log_ratio -= sampler.log_likelihood(theta, here)
        sums, log_likelihood = sampler.allocate(theta, None, there)
        log_ratio += log_likelihood
        theta = sampler.parameters(sums, there)
    return log_ratio if exact_draw is None else -log_ratio


def _prior_draws(sampler: Sampler) -> Draws:
    """Return theta and pi of every chain, canonical arrays (C, K, ...), in the task's coordinates."""
    n_chains, n_components, task = sampler.n_chains, sampler.n_components, sampler.task
    theta = task.components.sample(sampler.rng, n_chains * n_components)
    draws = {name: v.reshape(n_chains, n_components, *v.shape[1:]) for name, v in theta.items()}
    return draws | task.weights.sample(sampler.rng, n_chains)
