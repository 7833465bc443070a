r"""Blocked Gibbs sampling: the same families, drawn from instead of averaged over.

Coordinate ascent and this sampler visit the same conditionals. Where ascent takes an expectation, a sweep
takes a draw:

    theta_k, pi  given c:          p(theta_k | eta_0 + sum_{i: c_i = k} w_i T(x_i)),  p(pi | N_1, ..., N_K)
    c_i          given theta, pi:  Cat(r_i),  r_ik proportional to exp(ln pi_k + < phi(theta_k), T(x_i) >)

Both are exact, so that the chain leaves the posterior as it is, and nothing is tuned. A row of whole weight
w stands for w equal points, whose components given theta are Multinomial(w, r_i) together. The sweep itself
is in `hand_cavi.gibbs.conditionals`. Source: Diebolt & Robert (1994).
"""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.ascent.preparing import as_responsibilities, prepare
from hand_cavi.ascent.starts import propose
from hand_cavi.ascent.sweep import Task
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.gibbs.conditionals import Sampler
from hand_cavi.inputs import Draws, InputError, Seed, as_count, as_numbers, as_rows, as_sample_weight
from hand_cavi.mixture import Mixture
from hand_cavi.numerics.coordinates import Coordinates
from hand_cavi.weights.mixing import MixingWeights


@dataclass(frozen=True)
class GibbsRun:
    """What the chains gave; C chains of M draws each.

    Attributes
    ----------
    draws : dict of ndarray
        Canonical draws in the data's units, arrays (C, M, K, ...): ``mu`` (C, M, K, D), ...
    log_joint : ndarray, shape (C, M)
        log p(x, theta, pi) of every draw in nats, assignments summed out, every constant kept.
    assignments : ndarray of int, shape (C, M, N), or None
        Which component each point was given, drawn after the same draw's theta and pi. None if they were
        not kept, or if a row stands for several points, which then have no common component.
    seconds : float
        Of all sweeps, those before the first kept draw among them.
    """

    draws: Draws
    log_joint: np.ndarray
    assignments: np.ndarray | None
    seconds: float
    _sums: np.ndarray
    """Each chain's sums of T(x) after its last sweep, (C, K, P): all that a chain carries on."""


def gibbs(
    mixture: Mixture,
    x: ArrayLike,
    *,
    rng: Seed,
    chains: int = 4,
    draws: int = 1000,
    tune: int = 500,
    sample_weight: ArrayLike | None = None,
    starts: np.ndarray | GibbsRun | None = None,
    thin: int = 1,
    permute: bool = False,
    keep_assignments: bool = True,
) -> GibbsRun:
    """Sample a mixture's posterior by blocked Gibbs.

    Parameters
    ----------
    mixture : Mixture
        The model and its priors.
    x : array_like, shape (N,) or (N, D)
    rng : numpy.random.Generator or int
        An int is a seed.
    chains, draws : int
        C, and M: the draws kept of each chain.
    tune : int
        Sweeps of each chain before the first kept draw; they only forget the start.
    sample_weight : array_like of whole numbers, shape (N,), optional
        How many equal points each row stands for.
    starts : ndarray, shape (C, N, K), or GibbsRun, optional
        Each chain's starting responsibilities, rows that sum to 1; or an earlier run on the same data, to
        go on where its chains ended; if None, dispersed ones (`hand_cavi.ascent.starts`).
    thin : int
        How many sweeps there are to a kept draw.
    permute : bool
        Whether to renumber the components at random in every sweep, so that every chain visits all K!
        numberings alike; for exchangeable weights only.
    keep_assignments : bool
        Whether to keep c, which takes C M N bytes (twice that from 128 components on).

    Returns
    -------
    GibbsRun

    Raises
    ------
    InputError
        If the data, the weights, the starts or a setting cannot be used.

    Examples
    --------
    >>> from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
    >>> from hand_cavi.gibbs.sampler import gibbs
    >>> x = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
    >>> mixture = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), 2)
    >>> run = gibbs(mixture, x, rng=1, chains=2, draws=100)
    >>> run.draws["mu"].shape
    (2, 100, 2, 1)
    """
    n_chains, n_draws = as_count(chains, "chains"), as_count(draws, "draws")
    n_tune, n_thin = as_count(tune, "tune", at_least=0), as_count(thin, "thin")
    rows = as_rows(x)
    weight = as_multiplicities(sample_weight, len(rows))
    if permute and not mixture.weights.exchangeable:
        raise InputError(
            f"permute=True needs exchangeable weights, but the order of the components is part of "
            f"{mixture.weights.name} weights like these; leave permute at False"
        )
    generator = np.random.default_rng(rng)
    task, coordinates = prepare(mixture, rows, weight)
    sums = _starting_sums(mixture, task, coordinates.apply(rows), n_chains, starts, generator)
    sampler = Sampler(task, n_chains, mixture.n_components, permute, generator)
    keeps = keep_assignments and not sampler.repeats
    assignments = np.empty((n_chains, n_draws, len(rows)), dtype=sampler.kind) if keeps else None
    log_likelihood = np.empty((n_chains, n_draws))
    visited: list[Draws] = []

    began = perf_counter()
    for sweep in range(-n_tune, n_draws * n_thin):
        kept = sweep >= 0 and (sweep + 1) % n_thin == 0
        number = sweep // n_thin
        theta = sampler.parameters(sums)
        labels = assignments[:, number] if assignments is not None and kept else None
        sums, log_p = sampler.allocate(theta, labels)
        if kept:
            visited.append(theta)
            log_likelihood[:, number] = log_p
    seconds = perf_counter() - began

    inner = {name: np.stack([theta[name] for theta in visited], axis=1) for name in visited[0]}
    outer, log_prior = _in_data_units(task, coordinates, inner)
    return GibbsRun(outer, log_prior + log_likelihood + task.log_base, assignments, seconds, sums)


def conditional(
    mixture: Mixture, x: ArrayLike, assignments: ArrayLike
) -> tuple[ConjugateFamily, MixingWeights]:
    """Return p(theta | x, c), K posteriors in the data's units, and p(pi | c).

    Parameters
    ----------
    mixture : Mixture
    x : array_like, shape (N,) or (N, D)
    assignments : array_like of int, shape (N,)
        c_i, from 0 to K - 1.

    Raises
    ------
    InputError
        If the data or the assignments cannot be used.
    """
    rows = as_rows(x)
    labels = as_numbers(assignments, "assignments")
    fits = labels.shape == (len(rows),) and labels.dtype.kind in "iu"
    if not fits or labels.min() < 0 or labels.max() >= mixture.n_components:
        raise InputError(
            f"assignments must be {len(rows)} whole numbers from 0 to {mixture.n_components - 1}, one a point"
        )
    task, coordinates = prepare(mixture, rows, np.ones(len(rows)))
    sums = (labels == np.arange(mixture.n_components)[:, np.newaxis]).astype(np.float64) @ task.statistics
    return task.components.updated(sums).seen_from(coordinates.inverse), task.weights.updated(sums[:, -1])


def _starting_sums(
    mixture: Mixture,
    task: Task,
    inner_rows: np.ndarray,
    n_chains: int,
    starts: np.ndarray | GibbsRun | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return each chain's first sums of w_i r_ik T(x_i), shape (C, K, P)."""
    if isinstance(starts, GibbsRun):
        sums = starts._sums
        same = sums.shape == (n_chains, mixture.n_components, task.statistics.shape[1])
        if not (same and np.allclose(sums[..., -1].sum(axis=1), task.sample_weight.sum())):
            raise InputError(
                "the run given as starts has another number of points, features, components or chains; "
                "go on with the same data, mixture and chains"
            )
        return sums
    weight, n_components = task.sample_weight, mixture.n_components
    if starts is None:
        proposed = propose(task.components.landmarks(inner_rows), n_components, rng, n_chains, weight)
        given = [start.responsibilities for start in proposed]
    else:
        given = list(as_responsibilities(starts, len(inner_rows), n_components))
    if len(given) != n_chains:
        raise InputError(f"there are {len(given)} starts for {n_chains} chains; give each chain one")
    return np.stack([(r * weight[:, np.newaxis]).T @ task.statistics for r in given])


def as_multiplicities(sample_weight: ArrayLike | None, n_points: int) -> np.ndarray:
    """Return how many points each row stands for, shape (N,), or refuse what is no whole number."""
    weight = as_sample_weight(sample_weight, n_points)
    bad = weight != np.floor(weight)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"sample_weight is {weight[row]:g} in row {row}; Gibbs gives each of a row's points to a "
            "component, so weights must be whole numbers"
        )
    return weight


def _in_data_units(task: Task, coordinates: Coordinates, inner: Draws) -> tuple[Draws, np.ndarray]:
    """Return draws, arrays (C, M, K, ...), in the data's units, and their log prior density, (C, M)."""
    n_chains, n_draws = next(iter(inner.values())).shape[:2]
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in inner.items()}
    outer, log_jacobian = task.components.draws_seen_from(coordinates.inverse, flat)
    log_prior = np.sum(task.components.log_density(flat) - log_jacobian, axis=1)
    log_prior = log_prior + task.weights.log_density(flat, len(log_prior))
    draws = {name: values.reshape(n_chains, n_draws, *values.shape[1:]) for name, values in outer.items()}
    return draws, log_prior.reshape(n_chains, n_draws)
