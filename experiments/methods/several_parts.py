"""Several approximations of one target as one mixture, its weights the best for F(q_sym), and its bound.

Letters: J parts, S draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.methods import NotFiniteError
from experiments.posterior.mixture_of_approximations import MixtureOfApproximations, best_shares
from experiments.records.problem import Draws
from experiments.records.target import Approximation, Target

DRAWS = 1000
"""From each part, by which weights are found; the bound is of four times as many fresh draws of q."""

LEAST_SHARE = 1e-4
"""A part of a smaller weight is left out: that lowers F by about its weight at most."""

SAME = 1.0
"""Nats of KL below which two parts are as good as one."""

_TO_COMPARE, _FOR_KL = 400, 100


@dataclass(frozen=True)
class Mixed:
    """The mixture of those parts that count, F(q) with its standard error, and all shares, (J,)."""

    q: MixtureOfApproximations
    bound: float
    bound_se: float
    shares: np.ndarray


def mixed(target: Target, parts: Sequence[Approximation], seed: int) -> Mixed:
    """Mix J parts; a part at whose draws log p is not finite gets no weight.

    Raises
    ------
    NotFiniteError
        If that is so of all of them.
    """
    rng = np.random.default_rng([seed, 3])
    drawn = [part.sample(rng, DRAWS) for part in parts]
    log_p = np.stack([target.log_joint(draws) for draws in drawn])
    known = np.flatnonzero(np.isfinite(log_p).all(axis=1)).tolist()
    if not known:
        raise NotFiniteError("the log joint density is not finite at draws from any of the optima")
    log_parts = np.stack(
        [np.stack([log_symmetrised(target, parts[i], drawn[j]) for i in known], axis=-1) for j in known]
    )
    shares = np.zeros(len(parts))
    shares[known] = best_shares(log_p[known], log_parts)
    kept = np.flatnonzero(shares > LEAST_SHARE).tolist()
    q = MixtureOfApproximations(tuple(parts[j] for j in kept), shares[kept] / shares[kept].sum())
    draws = q.sample(rng, 4 * DRAWS)
    log_ratio = target.log_joint(draws) - q.log_density(draws)
    return Mixed(q, float(log_ratio.mean()), float(log_ratio.std(ddof=1) / np.sqrt(len(log_ratio))), shares)


def unlike(target: Target, parts: Sequence[Approximation], seed: int, most: int) -> list[Approximation]:
    """Return at most so many parts, those of the highest F first, none of them nearly another's relabelling.

    F is by fresh draws, so that having been chosen by a few does not flatter a part. KL(q_j, q_i), both
    symmetrised, is above `SAME` for each part q_j and those before it.
    """
    rng = np.random.default_rng([seed, 5])
    drawn = [part.sample(rng, _TO_COMPARE) for part in parts]
    ratios = [
        target.log_joint(draws) - part.log_density(draws) for part, draws in zip(parts, drawn, strict=True)
    ]
    f = np.array([ratio.mean() if np.isfinite(ratio).all() else -np.inf for ratio in ratios])
    kept: list[Approximation] = []
    for j in np.argsort(-f, kind="stable").tolist():
        some = {name: one[:_FOR_KL] for name, one in drawn[j].items()}
        own = log_symmetrised(target, parts[j], some)
        if all(np.mean(own - log_symmetrised(target, other, some)) > SAME for other in kept):
            kept.append(parts[j])
        if len(kept) == most:
            break
    return kept


def log_symmetrised(target: Target, q: Approximation, draws: Draws) -> np.ndarray:
    """Return log q_sym of draws, shape (S,); log q where no relabelling leaves the target as it is."""
    symmetrised = target.symmetrise(q, draws)
    return q.log_density(draws) if symmetrised is None else symmetrised.log_q
