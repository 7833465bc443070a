"""Where to start: responsibilities from k-means++-like seeds, at random, and by splitting, in turns.

Coordinate ascent finds one of several optima, by where it starts, and equal starting means stay
equal for ever. So a fit is several fits, and starts must be dispersed.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Start:
    """Starting responsibilities.

    Attributes
    ----------
    kind : str
        How they were made: ``"k-means++"``, ``"random"``, ``"split"`` or ``"given"``.
    responsibilities : ndarray, shape (N, K)
    """

    kind: str
    responsibilities: np.ndarray


def propose(
    x: np.ndarray, n_components: int, rng: np.random.Generator, n: int, weight: np.ndarray | None = None
) -> list[Start]:
    """Return n starts, taking turns: k-means++ first, then random, then by splitting.

    Each start has its own child of `rng`, so that asking for more changes none of the first.

    Parameters
    ----------
    x : ndarray, shape (N, anything)
        The family's landmarks (`ConjugateFamily.landmarks`): points whose squared distances mean something.
    n_components : int
        K.
    rng : numpy.random.Generator
    n : int
    weight : ndarray, shape (N,), optional
        w_i.
    """
    makers = [("k-means++", plus_plus), ("random", at_random), ("split", by_splitting)]
    starts = []
    for i, child in enumerate(rng.spawn(n)):
        kind, maker = makers[i % len(makers)]
        starts.append(Start(kind, maker(x, n_components, child, weight)))
    return starts


def plus_plus(
    x: np.ndarray, n_components: int, rng: np.random.Generator, weight: np.ndarray | None = None
) -> np.ndarray:
    """Assign every point wholly to the nearest of K seeds, spread as k-means++ spreads them.

    Each next seed is a point drawn with probability proportional to its squared distance from
    the nearest seed so far (Arthur & Vassilvitskii 2007). Returns shape (N, K).
    """
    mass = np.ones(len(x)) if weight is None else weight
    distance = np.full((len(x), n_components), np.inf)
    chance = mass
    for k in range(n_components):
        seed = x[rng.choice(len(x), p=chance / chance.sum())]
        distance[:, k] = np.sum((x - seed) ** 2, axis=1)
        chance = mass * distance[:, : k + 1].min(axis=1)
        if not chance.any():  # fewer distinct points than components
            chance = mass
    return np.eye(n_components)[distance.argmin(axis=1)]


def at_random(
    x: np.ndarray, n_components: int, rng: np.random.Generator, weight: np.ndarray | None = None
) -> np.ndarray:
    """Draw each point's responsibilities from a flat Dirichlet. Returns shape (N, K)."""
    return rng.dirichlet(np.ones(n_components), size=len(x))


def by_splitting(
    x: np.ndarray, n_components: int, rng: np.random.Generator, weight: np.ndarray | None = None
) -> np.ndarray:
    """Start from one cluster, and split the one with the worst fit until there are K.

    The worst fit is the largest sum of squared distances from a cluster's own mean: bisecting k-means
    (Steinbach, Karypis & Kumar 2000). Each point belongs wholly to its cluster. Returns shape (N, K).
    """
    mass = np.ones(len(x)) if weight is None else weight
    label = np.zeros(len(x), dtype=np.intp)
    misfit = np.zeros(n_components)
    misfit[0] = _scatter(x, mass)
    for new in range(1, n_components):
        worst = int(np.argmax(misfit))
        members = np.flatnonzero(label == worst)
        label[members[bisect(x[members], rng, mass[members])]] = new
        for k in (worst, new):
            misfit[k] = _scatter(x[label == k], mass[label == k])
    return np.eye(n_components)[label]


def bisect(x: np.ndarray, rng: np.random.Generator, weight: np.ndarray, sweeps: int = 5) -> np.ndarray:
    """Return which points, shape (N,) of bool, leave for the second of two clusters: a short 2-means.

    No point leaves where all are equal or weigh nothing.

    Parameters
    ----------
    x : ndarray, shape (N, anything)
    rng : numpy.random.Generator
        Chooses the two seeds, as k-means++ does.
    weight : ndarray, shape (N,)
    sweeps : int
        Lloyd's sweeps after the seeds.
    """
    leaves = np.zeros(len(x), dtype=bool)
    if not weight.any():
        return leaves
    weight = weight / weight.max()
    first = x[rng.choice(len(x), p=weight / weight.sum())]
    chance = weight * np.sum((x - first) ** 2, axis=1)
    if not chance.any():
        return leaves
    second = x[rng.choice(len(x), p=chance / chance.sum())]
    for _ in range(sweeps):
        leaves = (x - (first + second) / 2) @ (second - first) > 0
        if not (weight[leaves].any() and weight[~leaves].any()):
            break
        first, second = (_mean(x[side], weight[side]) for side in (~leaves, leaves))
    return leaves


def _scatter(x: np.ndarray, weight: np.ndarray) -> float:
    """Return sum_i w_i |x_i - mean|^2; 0 where nothing weighs anything."""
    if not weight.any():
        return 0.0
    return float(weight @ np.sum((x - _mean(x, weight)) ** 2, axis=1))


def _mean(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weighted mean of the rows, shape (anything,): that of numpy.average, bit for bit."""
    return (x * weight[:, np.newaxis]).sum(axis=0) / weight.sum()
