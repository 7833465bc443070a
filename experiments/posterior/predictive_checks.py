"""Does what was fitted fit the data? Posterior predictive checks, of functions g of a single point.

The distribution of g(x_i) is held against that of g(y), y from the posterior predictive, in a simultaneous
band (Saeilynoja, Buerkner & Vehtari 2022); of one feature these are probability integral transforms. g is
each feature, each pair, and the density: docs/mathematics.md, section 10. The data serve twice, to fit and to
check: p-values are conservative (Gelman et al., Bayesian Data Analysis, 2013, chapter 6).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from experiments.posterior.bands import GRID, p_of_counts, tail_of
from experiments.posterior.predictive import log_terms, sample_predictive
from experiments.records import Draws, Measurement, Problem, Threshold
from hand_cavi import DirichletCategorical

LEVEL = 0.01
"""Below this p-value, of all checks together, something does not fit: a convention of this project."""

POINTS = 2000
"""Points that are looked at, at most, at random: what so many cannot show does not matter."""

FEWEST = 5
"""Points of which something could be said: a convention of this project."""

_NEW = 100_000  # points from the posterior predictive: their noise adds 1 % to that of the data
_DRAWS = 4  # of which the density that points are ranked by is a mean: any function serves
_MOST_PAIRED = 10  # features of which pairs are formed
_SAME = 0.05  # correlations nearer than this do not say what is wrong
EACH, PAIRS, DENSITY = "each feature", "pairs of features", "density"

Function = tuple[str, str, np.ndarray, np.ndarray, str]
"""Kind, name, values at the data, (n,), and at new points, (M,), and what is said of it, if known."""


@dataclass(frozen=True)
class Compared:
    """One function of n points: how many lie at or below each place, and what share should, both (G,).

    Its kind is `EACH`, `PAIRS` or `DENSITY`; `said` tells where the two differ most.
    """

    kind: str
    name: str
    n: int
    expected: np.ndarray
    counts: np.ndarray
    said: str


def data_fit(
    problem: Problem, draws: Draws, rng: np.random.Generator, names: Sequence[str] = ()
) -> Measurement:
    """Return a p-value for each kind of check, that of its worst function, corrected for their number.

    Draws are canonical, (S, K, ...); `names` are the features', if they have any.
    """
    found, p, said = compare(problem, draws, rng, names), {}, {}
    for kind in dict.fromkeys(one.kind for one in found):
        alike = [one for one in found if one.kind == kind]
        worst = min(alike, key=lambda one: tail_of(one.counts, one.n, one.expected))
        p[kind] = min(1.0, len(alike) * p_of_counts(worst.counts, worst.n, worst.expected))
        said[kind] = worst.said
    if not p:
        return Measurement(None, None, "p-value", f"fewer than {FEWEST} points say nothing of the fit")
    limit, errors = LEVEL / len(p), [0.0] * len(p)
    told = said[next((kind for kind in p if p[kind] < limit), min(p, key=lambda kind: p[kind]))]
    held = Threshold(limit, "at least")
    return Measurement(list(p.values()), errors, "p-value", told, threshold=held, entries=tuple(p))


def compare(
    problem: Problem, draws: Draws, rng: np.random.Generator, names: Sequence[str] = ()
) -> list[Compared]:
    """Return all functions of the points, those of the data beside those of new points."""
    x, found = points_of(problem, rng), []
    if len(x) < FEWEST:
        return []
    if len(names) != x.shape[1]:
        names = ["x"] if x.shape[1] == 1 else [f"feature {d + 1}" for d in range(x.shape[1])]
    x, y = _as_recorded(problem, x, sample_predictive(problem, draws, rng, _NEW))
    for kind, name, a, b, said in _functions(problem, x, y, draws, names):
        places = np.unique(np.quantile(b, np.arange(1, GRID) / GRID, method="inverted_cdf"))
        places = places[places < b.max()]
        expected, counts = (np.searchsorted(np.sort(one), places, side="right") for one in (b, a))
        if len(places):
            said = said or _at_most(name, places, counts / len(a), expected / len(b))
            found.append(Compared(kind, name, len(a), expected / len(b), counts, said))
    return found


def points_of(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Return `POINTS` points of the data set at random, or all if there are fewer, shape (n, D).

    Weights are how often a point stands there; where nodes stand for points, a fine histogram of these does.
    """
    x, weight = problem.drawn
    if weight is None:
        return x[rng.choice(len(x), min(len(x), POINTS), replace=False)]
    counts = np.rint(weight).astype(int)
    size = min(POINTS, int(counts.sum()))
    some = np.repeat(x, rng.multivariate_hypergeometric(counts, size, method="marginals"), axis=0)
    if problem.condensation is not None and problem.condensation.counts.size:
        some = some + (rng.random(some.shape) - 0.5) * np.diff(problem.condensation.edges[:2])
    return some


def _as_recorded(problem: Problem, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with new points rounded as the data are: to their smallest gap, where data have ties."""
    x, y = x.copy(), y.copy()
    for d in range(0 if problem.mixture.components.discrete else x.shape[1]):
        values = np.unique(x[:, d])
        if 1 < len(values) < len(x):
            first, gap = values[0], np.diff(values).min()
            if np.allclose((values - first) / gap, np.rint((values - first) / gap), 0, 0.01):
                x[:, d], y[:, d] = (first + np.rint((one[:, d] - first) / gap) * gap for one in (x, y))
    return x, y


def _functions(
    problem: Problem, x: np.ndarray, y: np.ndarray, draws: Draws, names: Sequence[str]
) -> Iterator[Function]:
    categories = isinstance(problem.mixture.components, DirichletCategorical)
    for name, a, b in zip(names, x.T, y.T, strict=True):
        yield EACH, name, a, b, _of_cells(a, b, f"{name} = {{:g}}".format) if categories else ""
    if len(names) == 1:
        return
    centre, scale, size = y.mean(axis=0), y.std(axis=0), max(x.max(), y.max()) + 1
    for i, j in combinations(range(min(len(names), _MOST_PAIRED)), 2):
        both, name = (x[:, [i, j]], y[:, [i, j]]), f"{names[i]} and {names[j]}"
        if categories:
            a, b = (one @ [size, 1.0] for one in both)
            cell = f"{names[i]} = {{:g}} and {names[j]} = {{:g}}".format
            said = _of_cells(a, b, cell, size)
        else:
            a, b = (np.prod((one - centre[[i, j]]) / scale[[i, j]].clip(1e-300), axis=1) for one in both)
            seen, says = map(_correlation, both)
            said = f"the correlation of {name} is {seen:.2f}, where it says {says:.2f}"
            said = said if abs(seen - says) > _SAME else f"{name} do not go together as it says"
        yield PAIRS, name, a, b, said
    keep = np.linspace(0, len(next(iter(draws.values()))) - 1, _DRAWS).round().astype(int)
    few = {name: values[keep] for name, values in draws.items()}
    terms = log_terms(problem, np.concatenate([x, y]), few)
    score = np.concatenate([np.logaddexp.reduce(one, axis=2) for one in terms]).mean(axis=0).round(9)
    yield DENSITY, DENSITY, score[: len(x)], score[len(x) :], ""  # rounded: equal points, equal densities


def _correlation(pairs: np.ndarray) -> float:
    """Return the correlation of two columns, 0 where one of them is constant."""
    varies = np.ptp(pairs, axis=0).all()
    return float(np.corrcoef(pairs.T)[0, 1]) + 0.0 if varies else 0.0


def _at_most(name: str, places: np.ndarray, seen: np.ndarray, says: np.ndarray) -> str:
    """Say at which place the share of points is furthest from the share that should be there."""
    i = int(np.argmax(np.abs(seen - says)))
    here, there = f"{100 * seen[i]:.1f} %", f"{100 * says[i]:.1f} %"
    if name == DENSITY:
        return f"{here} of the points lie where it puts the least dense {there} of its own"
    return f"{here} of the points have {name} at most {places[i]:.4g}, where it says {there}"


def _of_cells(a: np.ndarray, b: np.ndarray, called: Callable[..., str], size: float = 0) -> str:
    """Say which category is too frequent, or too rare; a pair is coded by the number of categories."""
    cells = np.unique(np.concatenate([a, b]))
    seen, says = ((one == cells[:, np.newaxis]).mean(axis=1) for one in (a, b))
    i = int(np.argmax(np.abs(seen - says)))
    what = called(*divmod(cells[i], size)) if size else called(cells[i])
    return f"{100 * seen[i]:.1f} % of the points have {what}, where it says {100 * says[i]:.1f} %"
