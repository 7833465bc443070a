"""ln p(x, theta) - ln q(theta) at draws of q, assignments given, see docs/mathematics.md, section 8."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from experiments.posterior.draws import as_arrays
from experiments.records import Problem
from experiments.references._scaled import ScaledProblem

_BLOCK = 1 << 18  # numbers held at once by the pass over the data: 2 MB


@dataclass(frozen=True)
class AssignedJoint:
    """What is known of the draws: phi (S, K, P), ln pi (S, K), and ln p(theta) - ln q(theta), (S,)."""

    target: ScaledProblem
    phi: np.ndarray
    log_pi: np.ndarray
    log_prior_ratio: np.ndarray

    @classmethod
    def of(cls, problem: Problem, tree: xr.DataTree) -> Self:
        """Return what is known of an approximation's draws."""
        target = ScaledProblem.of(problem)
        draws, weights = as_arrays(tree), target.mixture.weights
        log_q = as_arrays(tree, "sample_stats")["log_q"]
        outer = target.prior.seen_from(target.coordinates.inverse)
        inner, log_jacobian = outer.draws_seen_from(target.coordinates, draws)
        log_prior = np.sum(target.prior.log_density(inner) + log_jacobian, axis=1)
        log_prior = log_prior + weights.log_density(draws, len(log_q))
        log_pi = weights.log_weights(draws, len(log_q))
        return cls(target, target.prior.phi(inner), log_pi, log_prior - log_q)

    def assign(self, draws: slice) -> tuple[np.ndarray, float]:
        """Return the best q(c) beside these draws: its sums, (K, P), and its entropy.

        r_ik propto exp(E_q[ln pi_k + ln p(x_i | theta_k)]) (Bishop, PRML, 2006, 10.9), averaged over them.
        """
        target = self.target
        phi, log_pi = self.phi[draws].mean(axis=0), self.log_pi[draws].mean(axis=0)
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

    def given(self, sums: np.ndarray) -> np.ndarray:
        """Return E_r[ln p(x, c, theta)] - ln q(theta) of every draw, shape (S,), for r's sums (K, P).

        The last entry of T is 1, so that the last of the sums is N_k.
        """
        target = self.target
        volume = float(target.weight.sum()) * target.coordinates.log_volume
        constant = target.prior.log_base(target.x) @ target.weight - volume
        log_likelihood = np.einsum("skp,kp->s", self.phi, sums) + self.log_pi @ sums[:, -1]
        return self.log_prior_ratio + log_likelihood + constant
