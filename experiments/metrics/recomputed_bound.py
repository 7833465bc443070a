r"""The bound that this q has, from nothing but draws of q and the model's joint density.

A method says which bound it reports (``bound_of`` of its ``info``), and that bound of that q is a number that
draws can give too. Two kinds are known:

theta                  F(q) = E_q[ln p(x, theta) - ln q(theta)], `collapsed_bound`
theta and assignments  max over q(c) of E_q[ln p(x, c, theta) - ln q(c) q(theta)]

The q(c) that belongs to q(theta) is, by definition (Bishop, PRML, 2006, 10.9; w_i are the weights of points),

    r_ik propto exp( E_q[ln pi_k + ln p(x_i | theta_k)] ),

and the second bound is H[r], -sum_i w_i sum_k r_ik ln r_ik, plus the average over draws of

    ln p(theta) - ln q(theta) + sum_i w_i sum_k r_ik (ln pi_k + ln p(x_i | theta_k)).

r is taken from the first half of the draws alone. By as much as it flatters its own half it wrongs the other,
so that in the average over all draws the error of r has mean 0, and the ordinary standard error covers it.
Near CAVI's optimum that is all the error there is: there q(theta) is the best for r, and the average is one
of numbers that hardly differ.

ln p(x_i | theta_k) is linear in phi(theta_k), so that averaging phi over the draws averages it for all points
at once: the cost is that of one sweep over the data and one over the draws. No closed form of an expectation
is used, on which `hand_cavi`'s own bound stands.
"""

import numpy as np

from experiments.draws import as_arrays
from experiments.metrics._context import Context, average, missing
from experiments.records import Measurement
from experiments.references._target import Target

THETA = "theta"
ASSIGNMENTS = "theta and assignments"

_BLOCK = 1 << 18  # numbers held at once by the pass over the data: 2 MB


def compute(context: Context) -> Measurement:
    """Return what the method's own bound must be for its q, in nats with its standard error."""
    if context.bound is None:
        return missing("the method reports no bound", "nats")
    log_ratio, of = context.log_ratio("log_q"), context.info.get("bound_of")
    if log_ratio is None:
        return missing("the method's density q is not known", "nats")
    if of == THETA:
        return average(log_ratio, "nats")
    if of == ASSIGNMENTS:
        return average(with_assignments(context), "nats")
    return missing("the method does not say which bound it reports", "nats")


def with_assignments(context: Context) -> np.ndarray:
    """Return the number a draw whose average is the bound with q(c), shape (S,)."""
    target = Target.of(context.problem)
    draws, weights = as_arrays(context.draws), target.mixture.weights
    log_q = as_arrays(context.draws, "sample_stats")["log_q"]
    n_draws = len(log_q)
    outer = target.prior.seen_from(target.coordinates.inverse)
    inner, log_jacobian = outer.draws_seen_from(target.coordinates, draws)
    phi, log_pi = target.prior.phi(inner), weights.log_weights(draws, n_draws)
    log_prior = np.sum(target.prior.log_density(inner) + log_jacobian, axis=1)
    log_prior += weights.log_density(draws, n_draws)

    half = slice(max(1, n_draws // 2))
    sums, entropy = _assign(target, phi[half].mean(axis=0), log_pi[half].mean(axis=0))
    log_likelihood = np.einsum("skp,kp->s", phi, sums) + log_pi @ sums[:, -1]
    volume = float(target.weight.sum()) * target.coordinates.log_volume
    constant = target.prior.log_base(target.x) @ target.weight - volume + entropy
    return log_prior + log_likelihood + constant - log_q


def _assign(target: Target, phi: np.ndarray, log_pi: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the sums of w_i r_ik T(x_i), (K, P), and the entropy of r, for mean phi (K, P), ln pi (K,)."""
    sums, entropy = np.zeros_like(phi), 0.0
    size = max(1, _BLOCK // len(phi))
    for start in range(0, len(target.x), size):
        block = slice(start, start + size)
        rho = target.statistics[block] @ phi.T + log_pi
        rho -= rho.max(axis=1, keepdims=True)
        r = np.exp(rho)
        total = r.sum(axis=1, keepdims=True)
        r /= total
        weight = target.weight[block]
        entropy += float(weight @ (np.log(total[:, 0]) - np.sum(r * rho, axis=1)))
        sums += (r * weight[:, np.newaxis]).T @ target.statistics[block]
    return sums, entropy
