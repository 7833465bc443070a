r"""Categories: categorical features with unknown probabilities, independent within a component.

The story, for a component k and each feature d with categories 0, ..., C-1 and prior concentration
alpha0::

    p_kd ~ Dirichlet(alpha0_d)
    x_id | c_i = k ~ Categorical(p_kd)

With x_d written as an indicator of its category, log p(x | p) = sum_d sum_c [x_d = c] ln p_dc, so

    phi(theta) = (ln p, 0),     T(x) = ([x_d = c] for all d and c, 1),     log h(x) = 0.

The last statistic only counts points; it meets a parameter that is always 0. A Dirichlet density is
prod_c p_c^(alpha_c - 1) but for its constant, so eta = (alpha, 0), the left-over -ln p belongs to the
measure, and

    log Z(eta) = sum_d [ sum_c ln Gamma(alpha_dc) - ln Gamma(sum_c alpha_dc) ].

The update adds the counts of the categories to alpha. Two categories are Bernoulli features.
Source: Bishop, PRML (2006), section 2.2 and equation B.16.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import Draws, InputError, as_positive
from hand_cavi.numerics import simplex
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.numerics.moments import Moments, block_diagonal
from hand_cavi.numerics.special import digamma, gammaln


@dataclass(frozen=True, eq=False)
class DirichletCategorical(ConjugateFamily):
    """p_d ~ Dirichlet(concentration_d), with x_d | p_d ~ Categorical(p_d).

    Densities of p are with respect to Lebesgue measure on the first C - 1 probabilities of each feature.

    Attributes
    ----------
    concentration : ndarray, shape (D, C); posterior (K, D, C)
        alpha: how many points of each category the prior is worth. Shape (C,) stands for every feature.

    Raises
    ------
    InputError
        If a concentration is not a finite number above zero, or there are fewer than two categories.
    """

    concentration: np.ndarray

    name: ClassVar[str] = "dirichlet_categorical"
    discrete: ClassVar[bool] = True

    def __post_init__(self) -> None:
        concentration = as_positive(self.concentration, "concentration")
        if concentration.ndim == 1:
            concentration = concentration[np.newaxis]
        if concentration.ndim not in (2, 3) or concentration.shape[-1] < 2:
            raise InputError(
                f"concentration has shape {np.shape(self.concentration)}; it needs one number per category, "
                "at least two: shape (C,) for all features alike, or (D, C)"
            )
        object.__setattr__(self, "concentration", concentration)

    @property
    def n_features(self) -> int:
        """D."""
        return self.concentration.shape[-2]

    @property
    def n_categories(self) -> int:
        """C."""
        return self.concentration.shape[-1]

    def with_features(self, n_features: int) -> Self:
        """Return the prior for D features; a single row of concentrations serves them all."""
        if self.n_features not in (1, n_features):
            raise InputError(
                f"the prior concentration has {self.n_features} features but the data have {n_features}; "
                "give shape (C,) for all features alike, or (D, C)"
            )
        return type(self)(np.broadcast_to(self.concentration, (n_features, self.n_categories)))

    def check_data(self, x: np.ndarray) -> None:
        """Refuse what is no category."""
        bad = (x < 0) | (x >= self.n_categories) | (x != np.floor(x))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise InputError(
                f"the data hold {x[row, column]:g} in row {row}, column {column} (counted from 0); "
                f"the prior knows the categories 0 to {self.n_categories - 1}"
            )

    def landmarks(self, x: np.ndarray) -> np.ndarray:
        """Return indicators: the squared distance is twice the number of features that differ."""
        return self.statistics(x)[:, :-1]

    def statistics(self, x: np.ndarray) -> np.ndarray:
        """T(x) = ([x_d = c], 1), shape (N, D C + 1)."""
        indicators = x[:, :, np.newaxis] == np.arange(self.n_categories)
        return np.column_stack([indicators.reshape(len(x), -1), np.ones(len(x))])

    def log_base(self, x: np.ndarray) -> np.ndarray:
        """Log h(x) = 0."""
        return np.zeros(len(x))

    @cached_property
    def natural(self) -> np.ndarray:
        """Eta = (alpha, 0)."""
        flat = self.concentration.reshape(*self.concentration.shape[:-2], -1)
        return np.concatenate([flat, np.zeros_like(flat[..., :1])], axis=-1)

    def from_natural(self, eta: np.ndarray) -> Self:
        """Return the Dirichlets with these natural parameters.

        With eta = eta_0 + sum_i r_ik T(x_i): alpha_kdc = alpha_0dc + sum_i r_ik [x_id = c].
        """
        return type(self)(self._standard(eta))

    def log_partition(self, eta: np.ndarray) -> np.ndarray:
        """Log Z = sum_d [sum_c ln Gamma(alpha_dc) - ln Gamma(sum_c alpha_dc)]."""
        alpha = self._standard(eta)
        return np.sum(gammaln(alpha).sum(axis=-1) - gammaln(alpha.sum(axis=-1)), axis=-1)

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """E[phi] = (psi(alpha_dc) - psi(sum_c alpha_dc), 0)."""
        alpha = self._standard(eta)
        return _flat_with_zero(digamma(alpha) - digamma(alpha.sum(axis=-1, keepdims=True)))

    def covariance(self, eta: np.ndarray) -> np.ndarray:
        """Cov[ln p] = psi'(alpha_c) [b = c] - psi'(sum alpha), feature by feature; 0 for the constant phi."""
        matrix = np.zeros((*eta.shape, eta.shape[-1]))
        matrix[..., :-1, :-1] = block_diagonal(simplex.covariance_of_logs(self._standard(eta)))
        return matrix

    def phi(self, draws: Draws) -> np.ndarray:
        """Phi(p) = (ln p, 0), shape (S, K, D C + 1)."""
        return _flat_with_zero(np.log(draws["probability"]))

    def log_measure(self, draws: Draws) -> np.ndarray:
        """Return the left-over -sum ln p: densities are against Lebesgue in the first C - 1 probabilities."""
        return -np.log(draws["probability"]).sum(axis=(-2, -1))

    def mean_draw(self) -> Draws:
        """Return `probability` at its mean, shape (K, D, C)."""
        return {"probability": self.concentration / self.concentration.sum(axis=-1, keepdims=True)}

    def moments(self, coordinates: Coordinates) -> Moments:
        """Of `probability`, (D, C): see `hand_cavi.numerics.simplex.of_probabilities`."""
        return _by_feature(*simplex.of_probabilities(self.concentration))

    def free_moments(self, coordinates: Coordinates) -> Moments:
        """Of the log ratios of `probability`, (D, C - 1): see `hand_cavi.numerics.simplex.of_log_ratios`."""
        return _by_feature(*simplex.of_log_ratios(self.concentration))

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `probability`, shape (n, K, D, C)."""
        gamma = rng.standard_gamma(self.concentration, size=(n, *self.concentration.shape))
        gamma = np.maximum(gamma, np.finfo(float).tiny)  # no probability underflows to 0
        return {"probability": gamma / gamma.sum(axis=-1, keepdims=True)}

    def sample_data(self, rng: np.random.Generator, draws: Draws, assignments: np.ndarray) -> np.ndarray:
        """Return categories, shape (N, D), for one draw of `probability`, shape (K, D, C)."""
        cumulative = np.cumsum(draws["probability"], axis=-1)[assignments]
        uniform = rng.random(cumulative.shape[:2])[..., np.newaxis]
        return np.sum(uniform > cumulative[..., :-1], axis=-1).astype(np.float64)

    def _standard(self, eta: np.ndarray) -> np.ndarray:
        """Return alpha, shape (..., D, C), of eta (..., D C + 1)."""
        return eta[..., :-1].reshape(*eta.shape[:-1], self.n_features, self.n_categories)


def _by_feature(mean: np.ndarray, covariance: np.ndarray, slope: np.ndarray) -> Moments:
    """Lay the features' moments, (..., D, Q), (..., D, Q, Q) and (..., D, Q, C), end to end."""
    with_logs = block_diagonal(slope)
    return Moments(
        {"probability": mean.shape[-2:]},
        mean.reshape(*mean.shape[:-2], -1),
        block_diagonal(covariance),
        np.concatenate([with_logs, np.zeros_like(with_logs[..., :1])], axis=-1),
    )


def _flat_with_zero(values: np.ndarray) -> np.ndarray:
    """Lay (..., D, C) out as (..., D C), and append the 0 that meets the counting statistic."""
    flat = values.reshape(*values.shape[:-2], -1)
    return np.concatenate([flat, np.zeros_like(flat[..., :1])], axis=-1)
