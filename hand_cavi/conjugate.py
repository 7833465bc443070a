"""Conjugacy, written once.

A component family is a conjugate exponential family,

    p(x | theta)   = exp(log h(x) + < phi(theta), T(x) >),      T(x) = (t(x), 1),
    p(theta | eta) = exp(< eta, phi(theta) > - log Z(eta)),

so prior and posterior are the same distribution with different natural parameters, and all that
variational inference asks of a family follows from T and log Z:

    update                        eta_k = eta_0 + sum_i w_i r_ik T(x_i)
    E_q[log p(x | theta_k)]       log h(x) + < grad log Z(eta_k), T(x) >
    KL(q_k, p)                    < eta_k - eta_0, grad log Z(eta_k) > - log Z(eta_k) + log Z(eta_0)
    posterior predictive          log h(x) + log Z(eta_k + T(x)) - log Z(eta_k)
    exact marginal of a set       sum log h + log Z(eta_0 + sum T) - log Z(eta_0)
    linear response               Cov_q[phi] = Hess log Z(eta_k); see `hand_cavi.linear_response`

The upper half of the class says what a family owes, the lower half what it gets for it.
Sources: Blei, Kucukelbir & McAuliffe (2017), section 4; Bishop, PRML (2006), sections 2.4, 10.4.
"""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.inputs import Draws, InputError
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.moments import Moments

_BLOCK = 1 << 20  # numbers held at once by log_predictive: 8 MB


class ConjugateFamily(ABC):
    """Distribution of a component's parameters theta: the prior, or K posteriors.

    A prior has no leading axis; a posterior is an instance of the same class whose arrays have a
    leading K axis. "..." below stands for that axis.
    """

    name: ClassVar[str]
    """The name of the family's file, by which configurations and mirrors find it."""

    discrete: ClassVar[bool] = False
    """Whether x are counts or categories, so that large data repeat rows: see `hand_cavi.data.condense`."""

    # ---- what a family owes ---------------------------------------------------------------

    @property
    @abstractmethod
    def n_features(self) -> int:
        """D, the number of features of a point."""

    @abstractmethod
    def with_features(self, n_features: int) -> Self:
        """Return the prior for D features, or raise InputError if it has another number."""

    @abstractmethod
    def statistics(self, x: np.ndarray) -> np.ndarray:
        """Return T(x), shape (N, P), for x of shape (N, D); the last column is 1."""

    @abstractmethod
    def log_base(self, x: np.ndarray) -> np.ndarray:
        """Return log h(x), shape (N,), for x of shape (N, D): -inf outside of the support."""

    @cached_property
    @abstractmethod
    def natural(self) -> np.ndarray:
        """The natural parameters eta, shape (..., P)."""

    @abstractmethod
    def from_natural(self, eta: np.ndarray) -> Self:
        """Return the member of this family with natural parameters `eta`, shape (..., P)."""

    @abstractmethod
    def log_partition(self, eta: np.ndarray) -> np.ndarray:
        """Return log Z(eta), shape (...), for eta of shape (..., P)."""

    @abstractmethod
    def expected(self, eta: np.ndarray) -> np.ndarray:
        """Return E[phi(theta)] = grad log Z(eta), shape (..., P)."""

    @abstractmethod
    def covariance(self, eta: np.ndarray) -> np.ndarray:
        """Return Cov[phi(theta)] = Hess log Z(eta), shape (..., P, P).

        It is singular where a phi is constant.
        """

    @abstractmethod
    def phi(self, draws: Draws) -> np.ndarray:
        """Return phi(theta), shape (S, K, P), for canonical draws of shape (S, K, ...)."""

    @abstractmethod
    def mean_draw(self) -> Draws:
        """Return the canonical parameters at their means, without an axis of draws: arrays (K, ...)."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n canonical draws of theta, each array of shape (n, K, ...)."""

    @abstractmethod
    def sample_data(self, rng: np.random.Generator, draws: Draws, assignments: np.ndarray) -> np.ndarray:
        """Return x, shape (N, D), from one draw of theta, arrays (K, ...), and c of shape (N,)."""

    # ---- what a family may say besides ----------------------------------------------------

    def check_data(self, x: np.ndarray) -> None:
        """Raise InputError if x, shape (N, D), holds what cannot come from this family."""
        return

    def landmarks(self, x: np.ndarray) -> np.ndarray:
        """Return points, shape (N, anything), whose squared distances tell how unlike the x_i are.

        Starts are spread over these.
        """
        return x

    def products(self) -> np.ndarray | None:
        """Return each statistic as a product of two of (x_1, ..., x_D, 1), by their places, shape (P, 2).

        The compiled loop then makes T(x) as it goes. None for statistics that are no such products.
        """
        return None

    def coordinates(self, x: np.ndarray, weight: np.ndarray) -> Coordinates:
        """Return coordinates in which this family's arithmetic on x is well conditioned."""
        return Coordinates.identity(x.shape[1])

    def seen_from(self, coordinates: Coordinates) -> Self:
        """Return the same distribution for data stated in other coordinates."""
        return self

    def draws_seen_from(self, coordinates: Coordinates, draws: Draws) -> tuple[Draws, float]:
        """Return draws in other coordinates, and log |d theta' / d theta| of one component."""
        return draws, 0.0

    def moments(self, coordinates: Coordinates) -> Moments:
        """Return the moments of K posteriors' canonical parameters in the data's units.

        Parameters
        ----------
        coordinates : Coordinates
            Those in which this distribution, and so eta, is stated.
        """
        raise InputError(
            f"{type(self).__name__} states no moments of its parameters; linear response needs them"
        )

    def free_moments(self, coordinates: Coordinates) -> Moments:
        """Return the moments of the canonical parameters taken to the whole real line, as `moments` does.

        A location stays; what is positive goes by its logarithm; probabilities by ln p_c less the mean of
        all C logarithms, c < C; a precision matrix by the entries of its lower Cholesky factor, row by row,
        those of the diagonal as logarithms.
        """
        raise InputError(
            f"{type(self).__name__} states no moments of its parameters; linear response needs them"
        )

    # ---- what everyone gets for it --------------------------------------------------------

    def updated(self, sums: np.ndarray) -> Self:
        """Return the posterior, eta_0 + sums, for sums of w_i r_ik T(x_i) of shape (..., P)."""
        return self.from_natural(self.natural + sums)

    @cached_property
    def expected_phi(self) -> np.ndarray:
        """E[phi(theta)], shape (..., P)."""
        return self.expected(self.natural)

    @cached_property
    def covariance_phi(self) -> np.ndarray:
        """Cov[phi(theta)] at this distribution's own natural parameters, shape (..., P, P)."""
        return self.covariance(self.natural)

    @cached_property
    def log_z(self) -> np.ndarray:
        """Log Z at this distribution's own natural parameters, shape (...)."""
        return self.log_partition(self.natural)

    def expected_log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Return E_q[log p(x_i | theta_k)], shape (N, K)."""
        return self.log_base(x)[:, np.newaxis] + self.statistics(x) @ self.expected_phi.T

    def kl(self, prior: Self) -> np.ndarray:
        """Return KL(q_k, prior) in nats, shape (...)."""
        return self.kl_from(prior.natural, prior.log_z)

    def kl_from(self, eta_0: np.ndarray, log_z_0: np.ndarray) -> np.ndarray:
        """Return the same from priors' natural parameters, shape (..., P), and their log Z, shape (...)."""
        gained = np.sum((self.natural - eta_0) * self.expected_phi, axis=-1)
        return gained - self.log_z + log_z_0

    def log_predictive(self, x: np.ndarray) -> np.ndarray:
        """Return log of the integral of p(x_i | theta) q_k(theta) over theta, shape (N, K)."""
        eta, log_base = np.atleast_2d(self.natural), self.log_base(x)
        found = np.full((len(x), len(eta)), -np.inf)
        possible = np.flatnonzero(log_base > -np.inf)  # other points would lead out of the family
        rows = max(1, _BLOCK // eta.size)
        for start in range(0, len(possible), rows):
            block = possible[start : start + rows]
            with_point = self.log_partition(eta + self.statistics(x[block])[:, np.newaxis, :])
            found[block] = log_base[block, np.newaxis] + with_point - self.log_z
        return found

    def log_marginal(self, sums: np.ndarray, log_base: np.ndarray | float) -> np.ndarray:
        """Return log p of a whole set under one component, theta integrated out.

        Parameters
        ----------
        sums : ndarray, shape (..., P)
            The sum of T(x) over each set.
        log_base : ndarray, shape (...), or float
            The sum of log h(x) over each set.
        """
        return log_base + self.log_partition(self.natural + sums) - self.log_z

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return log q_k(theta_k) for draws of shape (S, K, ...), shape (S, K)."""
        return np.sum(self.natural * self.phi(draws), axis=-1) - self.log_z + self.log_measure(draws)

    def log_measure(self, draws: Draws) -> np.ndarray | float:
        """Return the log density, against Lebesgue measure, of the measure in which Z is taken."""
        return 0.0
