"""What a distribution of the mixing weights offers, whichever it is."""

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np

from hand_cavi.inputs import Draws
from hand_cavi.numerics.moments import Moments


class MixingWeights(ABC):
    """Distribution of pi = (pi_1, ..., pi_K): the prior, or a posterior of the same class.

    "..." below stands for leading axes, of many problems that are fitted together, where `takes_many` says
    that counts may have them; without them it is nothing.
    """

    name: ClassVar[str]
    """The name of the distribution's file, by which configurations and mirrors find it."""

    takes_many: ClassVar[bool] = False
    """Whether `updated`, and then `expected_log` and `kl`, take and give leading axes."""

    @property
    @abstractmethod
    def exchangeable(self) -> bool:
        """Whether every relabelling of the components leaves the prior as it is."""

    @abstractmethod
    def for_components(self, n_components: int) -> Self:
        """Return the prior of K weights, or raise InputError if it has another number."""

    @abstractmethod
    def updated(self, counts: np.ndarray) -> Self:
        """Return the posterior after N_k = sum_i w_i r_ik points in component k, shape (..., K)."""

    @abstractmethod
    def expected_log(self) -> np.ndarray:
        """Return E[ln pi_k], shape (..., K)."""

    @abstractmethod
    def covariance_of_logs(self) -> np.ndarray:
        """Return Cov[ln pi_j, ln pi_k] = d E[ln pi_j] / d N_k, shape (K, K); 0 if pi is no unknown."""

    @abstractmethod
    def moments(self) -> Moments:
        """Return the moments of `weights`, or of nothing if pi is no unknown; the statistics are ln pi."""

    @abstractmethod
    def free_moments(self) -> Moments:
        """Return the same of the weights taken to K - 1 real numbers; each file says how."""

    @abstractmethod
    def kl(self, prior: Self) -> np.ndarray | float:
        """Return KL(q(pi), prior) in nats, shape (...)."""

    @abstractmethod
    def mean(self) -> np.ndarray:
        """Return E[pi_k], shape (K,)."""

    @abstractmethod
    def mean_draw(self) -> Draws:
        """Return the canonical `weights` at their mean, shape (K,), or nothing if pi is no unknown."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n canonical draws; `weights` of shape (n, K), or nothing if pi is no unknown."""

    @abstractmethod
    def log_weights(self, draws: Draws, n: int) -> np.ndarray:
        """Return ln pi_k of n canonical draws, shape (n, K)."""

    @abstractmethod
    def log_density_terms(self, draws: Draws, n: int) -> np.ndarray:
        """Return log q(pi) of n canonical draws as a sum of one term a component, shape (n, K).

        Where q(pi) is exchangeable in form, term k depends on pi_k alone.
        """

    @abstractmethod
    def log_marginal(self, counts: np.ndarray) -> np.ndarray:
        """Return log p(c) of assignments with these counts, pi integrated out; (..., K) to (...)."""

    def favoured_order(self, counts: np.ndarray) -> np.ndarray:
        """Return the order of components, (K,) indices, that makes `log_marginal` of the counts largest."""
        return np.arange(len(counts))

    def log_density(self, draws: Draws, n: int) -> np.ndarray:
        """Return log q(pi) of n canonical draws, shape (n,)."""
        return self.log_density_terms(draws, n).sum(axis=1)
