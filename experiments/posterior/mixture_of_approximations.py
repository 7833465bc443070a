"""A mixture of approximations, q = sum_j w_j q_j, and the weights w that are best for given parts.

F(q) = E_q[log p - log q] is concave in w. At its maximum g_j = E_{q_j}[log p - log q] is the same for all
parts of positive weight, and w_j <- w_j exp(g_j) / sum never lowers F (the algorithm of Blahut 1972 and
Arimoto 1972). Where no two parts overlap, g_j = F(q_j) - log w_j: one step leads to w_j = exp(F(q_j)) / sum,
and F(q) is log sum_j exp F(q_j). In general sum_j w_j F(q_j) <= F(q) <= sum_j w_j [F(q_j) - log w_j].

Letters: J parts, S draws.
"""

from dataclasses import dataclass

import numpy as np

from experiments.records.problem import Draws
from experiments.records.target import Approximation
from hand_cavi import InputError
from hand_cavi.numerics.special import logsumexp

_MOST_STEPS = 1000
_STILL = 1e-6  # nats by which a step still raises F


@dataclass(frozen=True)
class MixtureOfApproximations:
    """An `Approximation`, q = sum_j w_j q_j.

    Attributes
    ----------
    parts : tuple of Approximation
        q_1, ..., q_J.
    shares : ndarray, shape (J,)
        w, above 0, with sum 1.
    """

    parts: tuple[Approximation, ...]
    shares: np.ndarray

    def __post_init__(self) -> None:
        fits = np.shape(self.shares) == (len(self.parts),) and np.all(np.asarray(self.shares) > 0)
        if not fits or abs(np.sum(self.shares) - 1) > 1e-9:
            raise InputError(
                f"the shares are {self.shares} of {len(self.parts)} parts; each part needs one, above 0, and "
                "their sum is 1"
            )

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n independent draws, arrays (n, ...)."""
        counts = rng.multinomial(n, self.shares)
        drawn = [
            part.sample(rng, int(count)) for part, count in zip(self.parts, counts, strict=True) if count
        ]
        order = rng.permutation(n)
        return {name: np.concatenate([one[name] for one in drawn])[order] for name in drawn[0]}

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return log q of any draws, shape (S,)."""
        return log_mixture(np.stack([part.log_density(draws) for part in self.parts], axis=1), self.shares)


def log_mixture(log_parts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return log sum_j w_j q_j, shape (...), from log q_j, shape (..., J), and w, shape (J,)."""
    return logsumexp(log_parts + np.log(shares), axis=-1)


def best_shares(log_p: np.ndarray, log_parts: np.ndarray) -> np.ndarray:
    """Return the weights of the highest F, shape (J,), as draws of each part see it.

    Parameters
    ----------
    log_p : ndarray, shape (J, S)
        log p(x, theta) of S draws from each part; finite.
    log_parts : ndarray, shape (J, S, J)
        log q_i of the same draws, i last.
    """
    log_shares = np.full(len(log_p), -np.log(len(log_p)))
    before = -np.inf
    for _ in range(_MOST_STEPS):
        gains = (log_p - logsumexp(log_parts + log_shares, axis=-1)).mean(axis=1)
        reached = float(np.exp(log_shares) @ gains)
        if reached - before < _STILL:
            break
        before = reached
        log_shares = log_shares + gains
        log_shares -= logsumexp(log_shares)
    return np.exp(log_shares)
