r"""Unknown weights with a Dirichlet prior.

The story::

    pi ~ Dirichlet(alpha_1, ..., alpha_K)
    c_i ~ Categorical(pi)

The prior's density is C(alpha) prod_k pi_k^(alpha_k - 1), with ln C(alpha) = ln Gamma(sum_k alpha_k) -
sum_k ln Gamma(alpha_k). Expected counts N_k multiply it by prod_k pi_k^N_k, so q(pi) is a Dirichlet with
alpha_k + N_k. Source: Bishop, PRML (2006), section 10.2 and equations B.16 to B.24.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.inputs import Draws, InputError, as_positive
from hand_cavi.numerics import simplex
from hand_cavi.numerics.moments import Moments
from hand_cavi.numerics.special import digamma, gammaln
from hand_cavi.weights.mixing import MixingWeights


@dataclass(frozen=True, eq=False)
class DirichletWeights(MixingWeights):
    """pi ~ Dirichlet(concentration).

    Densities of pi are with respect to Lebesgue measure on the first K - 1 weights.

    Attributes
    ----------
    concentration : ndarray, shape (K,) or (); posterior (..., K)
        alpha: how many points of each component the prior is worth. A single number stands for every
        component.

    Raises
    ------
    InputError
        If a concentration is not a finite number above zero.
    """

    concentration: np.ndarray

    name: ClassVar[str] = "dirichlet"
    takes_many: ClassVar[bool] = True

    def __post_init__(self) -> None:
        concentration = as_positive(self.concentration, "concentration")
        if concentration.size == 0:
            raise InputError("there are no concentrations; give one number, or one per component")
        object.__setattr__(self, "concentration", concentration)

    @property
    def exchangeable(self) -> bool:
        """Whether all concentrations are equal."""
        return bool(np.all(self.concentration == self.concentration.flat[0]))

    def for_components(self, n_components: int) -> Self:
        """Return the prior of K weights; a single concentration serves them all."""
        if self.concentration.shape not in ((), (n_components,)):
            raise InputError(
                f"there are {self.concentration.size} concentrations for {n_components} components; "
                "give one number, or one per component"
            )
        return type(self)(np.broadcast_to(self.concentration, n_components))

    def updated(self, counts: np.ndarray) -> Self:
        """Return the posterior, alpha_k = alpha_0k + N_k (PRML 10.58)."""
        return type(self)(self.concentration + counts)

    def expected_log(self) -> np.ndarray:
        """E[ln pi_k] = psi(alpha_k) - psi(sum_k alpha_k), shape (..., K) (PRML 10.66)."""
        return self._expected_log

    @cached_property
    def _expected_log(self) -> np.ndarray:
        return digamma(self.concentration) - digamma(self.concentration.sum(axis=-1, keepdims=True))

    @cached_property
    def _log_c(self) -> np.ndarray:
        return _log_normaliser(self.concentration)

    def covariance_of_logs(self) -> np.ndarray:
        """Cov[ln pi_j, ln pi_k] = psi'(alpha_k) [j = k] - psi'(sum_k alpha_k), shape (K, K)."""
        return simplex.covariance_of_logs(self.concentration)

    def moments(self) -> Moments:
        """Of `weights`, (K,): see `hand_cavi.numerics.simplex.of_probabilities`."""
        return Moments({"weights": self.concentration.shape}, *simplex.of_probabilities(self.concentration))

    def free_moments(self) -> Moments:
        """Of ln pi_k less the mean of all logarithms, k < K: see `numerics.simplex.of_log_ratios`."""
        shape = (len(self.concentration) - 1,)
        return Moments({"weights": shape}, *simplex.of_log_ratios(self.concentration))

    def kl(self, prior: Self) -> np.ndarray:
        """Return KL = ln C(alpha) - ln C(alpha_0) + sum_k (alpha_k - alpha_0k) E[ln pi_k]."""
        gained = self.concentration - prior.concentration
        ratio = self._log_c - prior._log_c
        return ratio + np.vecdot(gained, self.expected_log())

    def mean(self) -> np.ndarray:
        """Return alpha_k / sum_k alpha_k, shape (K,)."""
        return self.concentration / self.concentration.sum()

    def mean_draw(self) -> Draws:
        """Return `weights` at their mean, shape (K,)."""
        return {"weights": self.mean()}

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `weights`, shape (n, K)."""
        gamma = rng.standard_gamma(self.concentration, size=(n, len(self.concentration)))
        gamma = np.maximum(gamma, np.finfo(float).tiny)  # no weight underflows to 0
        return {"weights": gamma / gamma.sum(axis=1, keepdims=True)}

    def log_weights(self, draws: Draws, n: int) -> np.ndarray:
        """Return ln pi_k, shape (n, K)."""
        return np.log(draws["weights"])

    def log_density_terms(self, draws: Draws, n: int) -> np.ndarray:
        """Return (alpha_k - 1) ln pi_k + ln C(alpha) / K, shape (n, K)."""
        share = self._log_c / len(self.concentration)
        return (self.concentration - 1) * np.log(draws["weights"]) + share

    def log_marginal(self, counts: np.ndarray) -> np.ndarray:
        """Return ln C(alpha) - ln C(alpha + N)."""
        return self._log_c - _log_normaliser(self.concentration + counts)

    def favoured_order(self, counts: np.ndarray) -> np.ndarray:
        """Give the larger counts to the larger concentrations; nothing to choose if all are equal.

        ln Gamma is convex, so that of all orders this has the largest sum_k ln Gamma(alpha_k + N_k).
        """
        if self.exchangeable:
            return np.arange(len(counts))
        order = np.empty(len(counts), dtype=np.intp)
        order[np.argsort(-self.concentration, kind="stable")] = np.argsort(-counts, kind="stable")
        return order


def _log_normaliser(concentration: np.ndarray) -> np.ndarray:
    """Return ln C(alpha) = ln Gamma(sum alpha) - sum ln Gamma(alpha) (PRML B.23), (..., K) to (...)."""
    return gammaln(concentration.sum(axis=-1)) - gammaln(concentration).sum(axis=-1)
