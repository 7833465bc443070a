"""Is what q calls its density that of its draws, and does it integrate to 1? Nobody's q is taken on trust.

Bridge sampling between q and a normal r fitted to its draws tells: docs/mathematics.md, section 8.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import expit

from experiments.methods._contract import checked_density, checked_draws
from experiments.methods.step_gain import LogJoint
from experiments.posterior.mixture_of_approximations import MixtureOfApproximations
from experiments.records.result import Told
from experiments.records.target import Approximation
from hand_cavi.numerics.space import Space

N_DRAWS = 4_000
"""Half of them fit r; the others are held against as many draws of each r."""

WIDTHS = (1.0, 2.0, 0.5)
"""Of r beside q, in one dimension; in P the power 1/sqrt(P) of it, which is as far from q."""

OVERLAP = 0.05
"""The least mean of r/(q + r), which is 1/2 where r is q: a convention of this project."""

UNTOLD = "normal densities overlap too little with its draws"
"""Why there is no figure."""

Shapes = Mapping[str, tuple[int, ...]]
"""Of the model's variables."""


def with_mass(told: Told, q: Approximation | None, shapes: Shapes, log_p: LogJoint, seed: int) -> Told:
    """Return what is told, with the log mass of q's density by the r that shows most surely it is not 0.

    The parts of a mixture are looked at one by one: beside all of them no normal r would overlap with q.
    """
    if q is None:
        return told
    parts = q.parts if type(q) is MixtureOfApproximations else (q,)
    with np.errstate(all="ignore"):
        masses = [list(log_masses(one, shapes, log_p, np.random.default_rng([seed, 2]))) for one in parts]
    found = [one for of_part in masses for one in of_part] if all(masses) else []
    mass, error = max(found, key=lambda one: abs(one[0]) - 5 * one[1], default=(None, None))
    return replace(told, log_mass=mass, log_mass_se=error)


def log_masses(
    q: Approximation, shapes: Shapes, log_p: LogJoint, rng: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """Yield ln of the mass of q's density and its standard error, in nats, by each r that overlaps with q.

    `log_p` gives log p(x, theta) of draws, shape (S,). Where a mass is not 1 it tells if theta can be there.
    """
    half = N_DRAWS // 2
    draws = checked_draws(q.sample(rng, N_DRAWS), shapes, N_DRAWS)
    space = Space.of(draws)
    u = space.unconstrain(draws)  # not finite where draws are rounded to the edge of their support
    fitted = u[:half][np.isfinite(u[:half]).all(axis=1)]
    if len(fitted) < 10 * space.free:
        return
    centre, sd = fitted.mean(axis=0), fitted.std(axis=0)
    if not (free := sd > 0).any():
        return
    n_free, scale = int(free.sum()), np.diag(sd[free])
    shrunk = len(fitted) / (len(fitted) + n_free) * np.cov(fitted[:, free], rowvar=False, ddof=0)
    try:
        factor = np.linalg.cholesky(shrunk.reshape(scale.shape) + n_free / (len(fitted) + n_free) * scale**2)
    except np.linalg.LinAlgError:
        return
    log_volume = np.log(np.diag(factor)).sum() + 0.5 * n_free * np.log(2 * np.pi)
    fresh = {name: one[half:] for name, one in draws.items()}
    log_q = checked_density(q.log_density(fresh), half)
    z = solve_triangular(factor, (u[half:] - centre)[:, free].T, lower=True, check_finite=False).T
    log_jacobian = space.constrain(u[half:])[1]
    for width in (one ** (1 / np.sqrt(n_free)) for one in WIDTHS):
        v = width * rng.standard_normal((half, n_free))
        there = np.repeat(centre[np.newaxis], half, axis=0)
        there[:, free] += v @ factor.T
        proposed, of_proposed = space.constrain(there)
        normal = [-np.sum(one**2, axis=1) / (2 * width**2) - n_free * np.log(width) for one in (z, v)]
        at_q = log_q - normal[0] + log_volume + log_jacobian
        at_r = checked_density(q.log_density(proposed), half) - normal[1] + log_volume + of_proposed
        found = _log_mass(at_q, at_r)
        if found and abs(found[0]) > 3 * found[1]:
            found = _log_mass(at_q, np.where(np.isfinite(log_p(proposed)), at_r, -np.inf))
        if found:
            yield found


def _log_mass(at_q: np.ndarray, at_r: np.ndarray) -> tuple[float, float] | None:
    """Return c and its standard error by ln q - ln r at draws of q and of r, (S,); None if they hardly meet.

    What is not finite counts for nothing: q and r are held against each other on the rest of the space.
    """
    at_q, at_r = np.where(np.isfinite(at_q), at_q, np.inf), np.where(np.isfinite(at_r), at_r, -np.inf)
    both = np.concatenate([at_q[at_q < np.inf], at_r[at_r > -np.inf], [0.0]])

    def difference(c: float) -> float:
        return float(expit(c - at_q).mean() - expit(at_r - c).mean())

    low, high = both.min() - 50, both.max() + 50
    if not difference(low) < 0 < difference(high):
        return None
    from scipy.optimize import brentq  # slow to import, and a study that is complete has nothing to solve

    c = brentq(difference, low, high)
    of_q, of_r = expit(c - at_q), expit(at_r - c)
    slope = np.mean(of_q * (1 - of_q)) + np.mean(of_r * (1 - of_r))
    error = np.sqrt((of_q.var() + of_r.var()) / len(of_q)) / slope
    return (float(c), float(error)) if of_q.mean() >= OVERLAP else None
