"""Equal, known weights: pi_k = 1/K, as in the textbook. Nothing to learn, so every term is a constant."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.inputs import Draws, InputError
from hand_cavi.numerics.moments import Moments
from hand_cavi.weights.mixing import MixingWeights


@dataclass(frozen=True)
class FixedWeights(MixingWeights):
    """pi_k = 1/K.

    Attributes
    ----------
    n_components : int or None
        K; None until a mixture sets it.
    """

    n_components: int | None = None

    name: ClassVar[str] = "fixed"
    takes_many: ClassVar[bool] = True

    @property
    def exchangeable(self) -> bool:
        """Equal weights are."""
        return True

    @property
    def _k(self) -> int:
        if self.n_components is None:
            raise InputError("these weights do not know their number of components; use for_components(K)")
        return self.n_components

    def for_components(self, n_components: int) -> Self:
        """Return 1/K for this K."""
        return type(self)(n_components)

    def updated(self, counts: np.ndarray) -> Self:
        """Return the same weights: they are known."""
        return self

    def expected_log(self) -> np.ndarray:
        """E[ln pi_k] = -ln K, shape (K,)."""
        return self._expected_log

    @cached_property
    def _expected_log(self) -> np.ndarray:
        return np.full(self._k, -np.log(self._k))

    def covariance_of_logs(self) -> np.ndarray:
        """Return 0, shape (K, K): the weights are known."""
        return np.zeros((self._k, self._k))

    def moments(self) -> Moments:
        """Return the moments of nothing: pi is no unknown."""
        return Moments({}, np.empty(0), np.empty((0, 0)), np.empty((0, self._k)))

    def free_moments(self) -> Moments:
        """Return the moments of nothing."""
        return self.moments()

    def kl(self, prior: Self) -> float:
        """Return 0: nothing was learnt."""
        return 0.0

    def mean(self) -> np.ndarray:
        """Return 1/K, shape (K,)."""
        return np.full(self._k, 1 / self._k)

    def mean_draw(self) -> Draws:
        """Return nothing: pi is no unknown."""
        return {}

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return no draws: pi is no unknown."""
        return {}

    def log_weights(self, draws: Draws, n: int) -> np.ndarray:
        """Return -ln K, shape (n, K)."""
        return np.broadcast_to(self.expected_log(), (n, self._k))

    def log_density_terms(self, draws: Draws, n: int) -> np.ndarray:
        """Return 0, shape (n, K)."""
        return np.zeros((n, self._k))

    def log_marginal(self, counts: np.ndarray) -> np.ndarray:
        """Return -N ln K."""
        return -np.sum(counts, axis=-1) * np.log(self._k)
