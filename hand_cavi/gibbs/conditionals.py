"""One sweep of blocked Gibbs, for all chains at once: draw theta and pi, then every point's component.

Plain sweeps hardly ever carry a cluster from one number to another, so numbers are drawn too. Given c and
with theta, pi integrated out, renumbering the components changes nothing but p(c). Where the weights are
exchangeable it does not even change that, and any permutation may be drawn at random: the permutation
sampler, on request. Where they are not (sticks), the order is part of the model, and every sweep proposes
swaps by Metropolis' rule.

At a temperature beta below 1 the likelihood counts less, p(x_i | theta_k)^beta, and all stays conjugate: the
sums of T(x) are multiplied by beta, the counts that the weights see are not. See `hand_cavi.gibbs.annealed`.

Sources: Fruehwirth-Schnatter (2001), the permutation sampler; Papaspiliopoulos & Roberts (2008),
label-switching moves for sticks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hand_cavi.ascent.sweep import Task
from hand_cavi.inputs import Draws

_BLOCK = 1 << 17  # numbers held at once: 1 MB stays in the processor's cache


@dataclass(frozen=True)
class Sampler:
    """The two half-sweeps, for all chains at once, in the task's coordinates."""

    task: Task
    n_chains: int
    n_components: int
    permute: bool
    rng: np.random.Generator

    def parameters(self, sums: np.ndarray, temperature: float = 1.0) -> Draws:
        """Draw the components' numbers, theta and pi given each chain's sums of T(x), shape (C, K, P).

        Returns canonical arrays (C, K, ...).
        """
        sums = self._renumbered(sums)
        posterior = self.task.components.updated(temperature * sums.reshape(-1, sums.shape[-1]))
        draws = {
            name: values.reshape(self.n_chains, self.n_components, *values.shape[2:])
            for name, values in posterior.sample(self.rng, 1).items()
        }
        of_chains = [self.task.weights.updated(counts).sample(self.rng, 1) for counts in sums[..., -1]]
        return draws | {name: np.concatenate([d[name] for d in of_chains]) for name in of_chains[0]}

    def allocate(
        self, theta: Draws, labels: np.ndarray | None, temperature: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw every point's component.

        Parameters
        ----------
        theta : dict of ndarray
            Canonical arrays (C, K, ...).
        labels : ndarray, shape (C, N), or None
            Where to write the components.

        Returns
        -------
        sums : ndarray, shape (C, K, P)
            Each component's sum of w_i T(x_i).
        log_likelihood : ndarray, shape (C,)
            sum_i w_i ln sum_k pi_k exp(beta < phi(theta_k), T(x_i) >).
        """
        statistics, weight = self.task.statistics, self.task.sample_weight
        numbers = np.arange(self.n_components, dtype=self.kind)[:, np.newaxis]
        shape = (self.n_chains, self.n_components, statistics.shape[1])
        sums, log_likelihood = np.zeros(shape), np.zeros(self.n_chains)
        for block, rho in self._log_terms(theta, temperature):
            top = rho.max(axis=1, keepdims=True)
            p = np.exp(np.subtract(rho, top, out=rho), out=rho)
            total = p.sum(axis=1)
            log_likelihood += (np.log(total) + top[:, 0]) @ weight[block]
            if self.repeats:
                counts = self._multinomial(weight[block], p / total[:, np.newaxis])
            else:
                chosen = self._categorical(p)
                counts = (chosen[:, np.newaxis] == numbers) * weight[block]
                if labels is not None:
                    labels[:, block] = chosen
            sums += (counts.reshape(-1, counts.shape[2]) @ statistics[block]).reshape(sums.shape)
        return sums, log_likelihood

    def log_likelihood(self, theta: Draws, temperature: float) -> np.ndarray:
        """Return what `allocate` does of it, shape (C,), and draw nothing."""
        log_likelihood = np.zeros(self.n_chains)
        for block, rho in self._log_terms(theta, temperature):
            top = rho.max(axis=1, keepdims=True)
            total = np.exp(np.subtract(rho, top, out=rho), out=rho).sum(axis=1)
            log_likelihood += (np.log(total) + top[:, 0]) @ self.task.sample_weight[block]
        return log_likelihood

    def _log_terms(self, theta: Draws, temperature: float) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield ln pi_k + beta < phi(theta_k), T(x_i) >, shape (C, K, n), for n points at a time."""
        phi = temperature * self.task.components.phi(theta)
        shape = (self.n_chains, self.n_components, -1)
        log_weights = self.task.weights.log_weights(theta, self.n_chains)[:, :, np.newaxis]
        size = max(1, _BLOCK // (self.n_chains * self.n_components))
        for start in range(0, len(self.task.statistics), size):
            block = slice(start, start + size)
            dot = phi.reshape(-1, phi.shape[2]) @ self.task.statistics[block].T
            yield block, dot.reshape(shape) + log_weights

    @property
    def kind(self) -> type[np.signedinteger]:
        """The smallest kind of integer that numbers the components."""
        return np.int8 if self.n_components < 128 else np.int16

    @cached_property
    def repeats(self) -> bool:
        """Whether a row stands for several points."""
        return bool(np.any(self.task.sample_weight > 1))

    def _categorical(self, p: np.ndarray) -> np.ndarray:
        """Return one number from 0 to K - 1 for each column of chances (C, K, n), shape (C, n).

        The chances need not sum to 1; they are overwritten by their cumulative sums.
        """
        for k in range(1, self.n_components):  # several times as fast as cumsum along this axis
            p[:, k] += p[:, k - 1]
        level = self.rng.random((len(p), 1, p.shape[2])) * p[:, -1:]
        return np.sum(p[:, :-1] <= level, axis=1, dtype=self.kind)

    def _multinomial(self, weight: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Return how many of each row's w points each component is given, for chances (C, K, n)."""
        counts = self.rng.multinomial(weight.astype(np.int64), np.moveaxis(p, 1, 2))
        return np.moveaxis(counts, 2, 1).astype(np.float64)

    def _renumbered(self, sums: np.ndarray) -> np.ndarray:
        """Draw the components' numbers given how the points are grouped; (C, K, P) stays.

        With theta and pi integrated out, log p(x, c) depends on the numbers through the weights'
        `log_marginal` of the counts alone.
        """
        weights = self.task.weights
        if weights.exchangeable:
            return _in_order(sums, self._random_orders()) if self.permute else sums
        for _ in range(self.n_components - 1):
            first, second = self._random_orders()[:, :2].T
            order = np.tile(np.arange(self.n_components), (self.n_chains, 1))
            chain = np.arange(self.n_chains)
            order[chain, first], order[chain, second] = second, first
            swapped = _in_order(sums, order)
            gain = weights.log_marginal(swapped[..., -1]) - weights.log_marginal(sums[..., -1])
            accepted = np.log1p(-self.rng.random(self.n_chains)) < gain
            sums = np.where(accepted[:, np.newaxis, np.newaxis], swapped, sums)
        return sums

    def _random_orders(self) -> np.ndarray:
        """Return a uniformly random permutation of the components for each chain, shape (C, K)."""
        return self.rng.permuted(np.tile(np.arange(self.n_components), (self.n_chains, 1)), axis=1)


def _in_order(sums: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return sums (C, K, P) whose component k is component ``order[c, k]`` of the given ones."""
    return np.take_along_axis(sums, order[:, :, np.newaxis], axis=1)
