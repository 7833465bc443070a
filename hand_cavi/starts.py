"""Where to start: responsibilities, half from k-means++-like seeds, half at random.

Coordinate ascent finds the optimum at the foot of whose hill it starts, and equal starting means stay
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
        How they were made: ``"k-means++"``, ``"random"`` or ``"given"``.
    responsibilities : ndarray, shape (N, K)
    """

    kind: str
    responsibilities: np.ndarray


def propose(
    x: np.ndarray, n_components: int, rng: np.random.Generator, n: int, weight: np.ndarray | None = None
) -> list[Start]:
    """Return n starts, taking turns: k-means++ first, then random.

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
    makers = [("k-means++", plus_plus), ("random", at_random)]
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
