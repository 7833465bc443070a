r"""Unknown weights by breaking a stick: a Dirichlet process cut off after T components.

The story: of a stick of length 1, piece after piece is broken off, and the last component takes the rest::

    v_t ~ Beta(1, alpha) for t < T,     v_T = 1
    pi_t = v_t prod_{j<t} (1 - v_j)
    c_i ~ Categorical(pi)

Point i tells stick j "yes" if c_i = j, "no" if c_i > j, and nothing otherwise; so expected counts turn each
Beta(1, alpha) into another Beta, independently. The last stick is known, v_T = 1: the model is the
T-truncated process itself, whose evidence the bound bounds. (scikit-learn keeps a free last stick, which is
a different model.) T is the mixture's K. Earlier sticks are larger a priori, so the order of the components
is part of the model. Source: Blei & Jordan (2006), section 3.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from hand_cavi.inputs import Draws, InputError, as_positive
from hand_cavi.numerics.moments import Moments, diagonal
from hand_cavi.numerics.special import betaln, digamma, trigamma
from hand_cavi.weights.mixing import MixingWeights

_TINY = np.finfo(float).tiny


@dataclass(frozen=True, eq=False)
class StickBreaking(MixingWeights):
    """v_t ~ Beta(1, concentration), truncated at the mixture's number of components.

    Densities of pi are with respect to Lebesgue measure on the first T - 1 weights.

    Attributes
    ----------
    concentration : float
        alpha; the larger, the more components are used.
    broken, kept : ndarray, shape (T - 1,), or None; posterior (..., T - 1)
        The Beta parameters of q(v_t), gamma_1 and gamma_2; a mixture sets them to the prior's 1 and
        alpha, an update to the posterior's.

    Raises
    ------
    InputError
        If the concentration is not a finite number above zero.
    """

    concentration: float
    broken: np.ndarray | None = None
    kept: np.ndarray | None = None

    name: ClassVar[str] = "stick_breaking"
    takes_many: ClassVar[bool] = True

    def __post_init__(self) -> None:
        concentration = as_positive(self.concentration, "concentration")
        if concentration.ndim:
            raise InputError(f"concentration has shape {concentration.shape}; sticks take a single number")
        object.__setattr__(self, "concentration", float(concentration))

    @property
    def exchangeable(self) -> bool:
        """Sticks are not; but a single component is."""
        return self.broken is not None and len(self.broken) == 0

    def for_components(self, n_components: int) -> Self:
        """Return the prior of K weights, hence of K - 1 sticks."""
        ones = np.ones(n_components - 1)
        return type(self)(self.concentration, ones, self.concentration * ones)

    def updated(self, counts: np.ndarray) -> Self:
        """Return the posterior: gamma_1t += N_t, gamma_2t += sum_{j>t} N_j (Blei & Jordan, eqs. 18, 19)."""
        broken, kept = self._sticks
        return type(self)(self.concentration, broken + counts[..., :-1], kept + _later(counts))

    def expected_log(self) -> np.ndarray:
        """E[ln pi_t] = E[ln v_t] (0 at T) + sum_{j<t} E[ln(1 - v_j)], shape (..., K)."""
        broken, kept = self._sticks
        either = digamma(broken + kept)
        return _along_the_stick(digamma(broken) - either, digamma(kept) - either)

    def covariance_of_logs(self) -> np.ndarray:
        """Cov[ln pi] = B V B', shape (K, K): ln pi = B (ln v, ln(1 - v)), and V is that of the sticks.

        Var[ln v] = psi'(g1) - psi'(g1 + g2), Var[ln(1-v)] = psi'(g2) - psi'(g1 + g2), and their covariance is
        -psi'(g1 + g2).
        """
        broken, kept = self._sticks
        own, before = _membership(len(broken) + 1)
        either = trigamma(broken + kept)
        both = own + before
        return (
            (own * trigamma(broken)) @ own.T + (before * trigamma(kept)) @ before.T - (both * either) @ both.T
        )

    def moments(self) -> Moments:
        """Of `weights`, (K,): products of the sticks' moments, and d E[pi_s] by gamma_1 and gamma_2.

        E[pi_s pi_t] is the product over sticks of E[v^a (1-v)^b], where a says how often the stick itself,
        b how often its rest is a factor.
        """
        broken, kept = self._sticks
        own, before = _membership(len(broken) + 1)
        mean = self.mean()
        a, b = (m[:, np.newaxis, :] + m[np.newaxis, :, :] for m in (own, before))
        log_product = _log_rising(broken, a) + _log_rising(kept, b) - _log_rising(broken + kept, a + b)
        product = np.exp(log_product.sum(axis=-1))
        by_broken = own / broken - (own + before) / (broken + kept)  # d ln E[pi_s] / d gamma_1t
        by_kept = before / kept - (own + before) / (broken + kept)
        slope = mean[:, np.newaxis] * (by_broken @ own.T + by_kept @ before.T)
        return Moments({"weights": mean.shape}, mean, product - np.outer(mean, mean), slope)

    def free_moments(self) -> Moments:
        """Of the sticks' log odds ln v_t - ln(1 - v_t), t < T.

        Var = psi'(g1) + psi'(g2), Cov[., ln v] = psi'(g1), Cov[., ln(1-v)] = -psi'(g2).
        """
        broken, kept = self._sticks
        own, before = _membership(len(broken) + 1)
        slope = (own * trigamma(broken) - before * trigamma(kept)).T
        return Moments(
            {"weights": broken.shape},
            digamma(broken) - digamma(kept),
            diagonal(trigamma(broken) + trigamma(kept)),
            slope,
        )

    def kl(self, prior: Self) -> np.ndarray:
        """Return sum_t KL(Beta(gamma_1t, gamma_2t), Beta of the prior)."""
        broken, kept = self._sticks
        broken_0, kept_0 = prior._sticks
        either = digamma(broken + kept)
        per_stick = betaln(broken_0, kept_0) - betaln(broken, kept)
        per_stick += (broken - broken_0) * (digamma(broken) - either)
        per_stick += (kept - kept_0) * (digamma(kept) - either)
        return np.sum(per_stick, axis=-1)

    def mean(self) -> np.ndarray:
        """Return E[pi_t] = E[v_t] prod_{j<t} E[1 - v_j], shape (K,); never below the smallest float."""
        broken, kept = self._sticks
        either = np.log(broken + kept)
        return np.maximum(np.exp(_along_the_stick(np.log(broken) - either, np.log(kept) - either)), _TINY)

    def mean_draw(self) -> Draws:
        """Return `weights` at their mean, shape (K,)."""
        return {"weights": self.mean()}

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of `weights`, shape (n, K): each stick as the share of two Gammas."""
        broken, kept = (
            np.maximum(rng.standard_gamma(shape, size=(n, len(shape))), _TINY) for shape in self._sticks
        )
        either = np.log(broken + kept)
        weights = np.exp(_along_the_stick(np.log(broken) - either, np.log(kept) - either))
        return {"weights": np.maximum(weights, _TINY)}  # no weight underflows to 0

    def log_weights(self, draws: Draws, n: int) -> np.ndarray:
        """Return ln pi_t, shape (n, K)."""
        return np.log(draws["weights"])

    def log_density_terms(self, draws: Draws, n: int) -> np.ndarray:
        """Return log Beta(v_t) + ln |d v_t / d pi_t|, shape (n, K); 0 for the last.

        With the rest r_t = sum_{j>=t} pi_j: v_t = pi_t / r_t and 1 - v_t = r_{t+1} / r_t, and given the
        earlier ones d v_t / d pi_t = 1 / r_t.
        """
        broken, kept = self._sticks
        weights = draws["weights"]
        log_weights = np.log(weights[:, :-1])
        log_rest = np.log(np.cumsum(weights[:, ::-1], axis=1)[:, ::-1])
        log_rest, log_next = log_rest[:, :-1], log_rest[:, 1:]
        terms = (broken - 1) * (log_weights - log_rest) + (kept - 1) * (log_next - log_rest)
        return np.column_stack([terms - betaln(broken, kept) - log_rest, np.zeros(n)])

    def log_marginal(self, counts: np.ndarray) -> np.ndarray:
        """Return sum_t ln B(gamma_1t + N_t, gamma_2t + sum_{j>t} N_j) - ln B(gamma_1t, gamma_2t)."""
        broken, kept = self._sticks
        with_counts = betaln(broken + counts[..., :-1], kept + _later(counts))
        return np.sum(with_counts - betaln(broken, kept), axis=-1)

    def favoured_order(self, counts: np.ndarray) -> np.ndarray:
        """Largest first, as sticks are a priori."""
        return np.argsort(-counts, kind="stable")

    @property
    def _sticks(self) -> tuple[np.ndarray, np.ndarray]:
        if self.broken is None or self.kept is None:
            raise InputError("these sticks do not know their number of components; use for_components(K)")
        return self.broken, self.kept


def _membership(n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which sticks t are in pi_k as v_t (k = t) and which as 1 - v_t (t < k), (K, K - 1) both."""
    own = np.eye(n_components)[:, :-1]
    return own, np.tril(np.ones((n_components, n_components)), -1)[:, :-1]


def _log_rising(base: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return the log of base (base + 1) ... (base + power - 1), for powers 0, 1 and 2."""
    first = np.where(power > 0, np.log(base), 0.0)
    return first + np.where(power > 1, np.log(base + 1), 0.0)


def _later(counts: np.ndarray) -> np.ndarray:
    """Return sum_{j>t} N_j for every t < T; (..., K) to (..., K - 1)."""
    return np.cumsum(counts[..., :0:-1], axis=-1)[..., ::-1]


def _along_the_stick(log_broken: np.ndarray, log_kept: np.ndarray) -> np.ndarray:
    """Return log v_t (0 at T) + sum_{j<t} log(1 - v_j); (..., K - 1) to (..., K)."""
    nothing = np.zeros((*log_broken.shape[:-1], 1))
    before = np.concatenate([nothing, np.cumsum(log_kept, axis=-1)], axis=-1)
    return before + np.concatenate([log_broken, nothing], axis=-1)
