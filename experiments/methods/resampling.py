"""Draws of a q turned into draws of the posterior by importance, or a refusal in a sentence.

Weights are p/q_sym (p/q where no relabelling leaves the target as it is), Pareto-smoothed. Of every m draws
of q one is taken, with the chances of their weights (Rubin 1988). Groups share no draw, so that what is taken
is independent and holds no copies: its averages have the standard errors that they claim. What one of m costs
is a bias: to first order -Cov_p(w, f)/m for the mean of f, w being the weights over their mean. It is
estimated for every number of theta and its square, and m is chosen for it.

Resampling all draws at once would have no such bias, but copies of the draws of large weights, and errors
that look as if there were none.
"""

from dataclasses import dataclass

import numpy as np

from experiments.methods.several_parts import log_symmetrised
from experiments.posterior.pareto import SOURCE, is_flat, log_mean, most_k_hat, pareto_k_hat, smoothed
from experiments.records.problem import Draws
from experiments.records.result import Fitted, Told
from experiments.records.target import Approximation, Target
from hand_cavi import InputError

PILOT = 2000
"""Draws by which m is chosen."""

MOST_BIAS = 0.02
"""Posterior sds that m is chosen for: a convention of this project."""

REFUSED_BIAS = 0.1
"""Posterior sds of it that are too much for draws that claim to be the posterior's: a convention too."""

FEWEST_IN_GROUP, MOST_IN_GROUP = 4, 100

_BLOCK = 5_000

_AT_ONCE = 500
"""Draws whose log joint density is asked for at a time: what they take stays in the processor's cache."""


@dataclass(frozen=True)
class Resampled:
    """Independent draws (n, ...), and what their weights say; log p(x) in nats.

    Attributes
    ----------
    k_hat, k_hat_limit : float
        k-hat is NaN where the weights have no tail.
    effective : float
        Of `n_drawn` draws of q.
    log_evidence, log_evidence_se : float
    in_group : int
        m.
    bias : float
        The largest of the means in posterior sds, and of the sds as a share, to first order.
    """

    draws: Draws
    k_hat: float
    k_hat_limit: float
    n_drawn: int
    effective: float
    log_evidence: float
    log_evidence_se: float
    in_group: int
    bias: float

    @property
    def sentence(self) -> str:
        """What a reader is to know of it."""
        tail = "their weights are equal" if np.isnan(self.k_hat) else f"k-hat {self.k_hat:.2f}"
        return (
            f"one of every {self.in_group} of {self.n_drawn:,} draws of q, worth {self.effective:,.0f} "
            f"({tail}); log p(x) = {self.log_evidence:.3f}, standard error {self.log_evidence_se:.2g}; means "
            f"and sds are biased by about {self.bias:.1g} sds at most"
        )

    @property
    def info(self) -> dict[str, object]:
        """The same for the record."""
        figures = {name: value for name, value in vars(self).items() if name != "draws"}
        return {**figures, "k_hat": None if np.isnan(self.k_hat) else self.k_hat}

    def handed_in(self, target: Target, *, starts: int, seconds: float, elbo: float | None) -> Fitted:
        """Return these draws as one chain: what coordinate ascent hands in that was corrected."""
        return Fitted(
            outcome="sampled",
            message=self.sentence,
            seconds_compile=0.0,
            seconds_run=seconds,
            chains=target.as_tree({name: values[np.newaxis] for name, values in self.draws.items()}),
            told=Told(starts=starts),
            info={**self.info, "elbo_of_cavi": elbo},
        )


def resampled(target: Target, q: Approximation, n: int, seed: int) -> Resampled:
    """Return n independent draws of the posterior, fewer where p is 0 at draws of q.

    Raises
    ------
    InputError
        If k-hat is above min(1 - 1/log10 S, 0.7), a weight is not a number, or the bias is above 0.1 sds.
    """
    rng = np.random.default_rng([seed, 4])
    in_group = _size_of_groups(*_weighted(target, q, rng, PILOT))
    draws, log_weights = _weighted(target, q, rng, n * in_group)
    if _bias_of_one(draws, log_weights) / in_group > REFUSED_BIAS:  # which the pilot draws did not see
        in_group = _size_of_groups(draws, log_weights)
        draws, log_weights = _weighted(target, q, rng, n * in_group)
    k_hat, limit = pareto_k_hat(log_weights)[0], most_k_hat(len(log_weights))
    possible = np.flatnonzero(log_weights > -np.inf)
    if k_hat > limit and not is_flat(log_weights) or len(possible) < in_group:
        raise InputError(
            f"importance sampling refused: Pareto's k-hat of its weights is {k_hat:.3f}, above {limit:.3f} "
            f"({SOURCE}), so that this q is too far from the posterior to be corrected; use a sampler"
        )
    log_smooth = smoothed(log_weights)
    effective = float(1 / np.exp(2 * log_smooth).sum())
    bias = _bias_of_one(draws, log_weights) / in_group
    if bias > REFUSED_BIAS:
        raise InputError(
            f"importance sampling refused: {len(log_weights):,} draws of this q are worth {effective:,.0f}, "
            f"so few that one of every {in_group} would be biased by about {bias:.1g} sds; use a sampler"
        )
    groups = possible[: len(possible) // in_group * in_group].reshape(-1, in_group)
    chance = log_smooth[groups] + rng.gumbel(size=groups.shape)  # whose largest is a draw by the weights
    taken = np.take_along_axis(groups, chance.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    log_evidence, error = log_mean(log_weights)
    return Resampled(
        {name: values[taken] for name, values in draws.items()},
        k_hat,
        limit,
        len(log_weights),
        effective,
        log_evidence,
        error,
        in_group,
        bias,
    )


def _weighted(target: Target, q: Approximation, rng: np.random.Generator, n: int) -> tuple[Draws, np.ndarray]:
    """Return n draws of q and the logs of their weights, shape (n,), -inf where p is 0."""
    draws, log_weights = [], []
    for start in range(0, n, _BLOCK):
        some = q.sample(rng, min(_BLOCK, n - start))
        draws.append(some)
        log_weights.append(_log_joint(target, some) - log_symmetrised(target, q, some))
    found = np.concatenate(log_weights)
    if not (found < np.inf).all() or not (found > -np.inf).any():
        raise InputError(
            "importance sampling refused: the weights p/q of some draws are no finite numbers; q reaches to "
            "where a density overflows, so use a tighter prior or a sampler"
        )
    return {name: np.concatenate([one[name] for one in draws]) for name in draws[0]}, found


def _log_joint(target: Target, draws: Draws) -> np.ndarray:
    n = len(next(iter(draws.values())))
    parts = [slice(start, start + _AT_ONCE) for start in range(0, n, _AT_ONCE)]
    return np.concatenate(
        [target.log_joint({name: one[part] for name, one in draws.items()}) for part in parts]
    )


def _size_of_groups(draws: Draws, log_weights: np.ndarray) -> int:
    """Return the m that these draws ask for."""
    wanted = np.ceil(_bias_of_one(draws, log_weights) / MOST_BIAS)
    return int(np.clip(wanted, FEWEST_IN_GROUP, MOST_IN_GROUP))


def _bias_of_one(draws: Draws, log_weights: np.ndarray) -> float:
    """Return m times the bias: max |Cov_p(w, f)| of every number of theta, and of its square, in sds."""
    chance = np.exp(smoothed(log_weights))
    w = chance * len(chance)
    theta = np.concatenate([one.reshape(len(one), -1) for one in draws.values()], axis=1)
    theta = np.where(chance[:, np.newaxis] > 0, theta, 0.0)
    off = theta - chance @ theta
    variance = chance @ off**2
    with np.errstate(divide="ignore", invalid="ignore"):
        means, sds = (
            (chance * w) @ off / np.sqrt(variance),
            (chance * w) @ (off**2 - variance) / (2 * variance),
        )
    return float(np.abs(np.nan_to_num([means, sds], posinf=0.0, neginf=0.0)).max())
