"""The data, their provenance, what others make of them, and our fit of each.

Where a published answer is a figure of maximum likelihood, it is computed anew here too, by scikit-learn's EM
or by the few lines of EM for counts and categories in `likelihood.py`: a second opinion that shares no code
with ours. Priors are weak, stated here, and the same for data of a kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from itertools import permutations
from pathlib import Path

import numpy as np

from hand_cavi import DirichletWeights, Fit, Mixture, NormalGamma, NormalWishart, fit
from hand_cavi.conjugate import ConjugateFamily

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Answer:
    """One data set: figures by name, ours and others', and why they differ.

    Attributes
    ----------
    name, provenance, others : str
        Of the data; where they come from; who gave the other figures.
    theirs, ours : dict of ndarray or float
        By what they are figures of.
    allowed : dict of float
        By the same names, how far ours may be from theirs.
    why : str
        Why they differ, where they do.
    """

    name: str
    provenance: str
    others: str
    theirs: dict[str, np.ndarray | float]
    ours: dict[str, np.ndarray | float]
    allowed: dict[str, float]
    why: str


def columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers, (N, D), and the classes, (N,), of a CSV file whose first column is a class."""
    rows = [line.split(",") for line in path.read_text("utf-8").splitlines()[1:]]
    return np.array([[float(cell) for cell in row[1:]] for row in rows]), np.array([row[0] for row in rows])


def shipped(name: str) -> np.ndarray:
    """Return the numbers of a data set that ships with the project, shape (N, D)."""
    text = files("experiments.datasets").joinpath(f"{name}.csv").read_text("utf-8")
    return np.array([[float(cell) for cell in line.split(",")] for line in text.splitlines()[1:]])


def best(components: ConjugateFamily, x: np.ndarray, n_components: int, **given: object) -> Fit:
    """Return the best of 5 starts, with flat Dirichlet weights."""
    mixture = Mixture(components, DirichletWeights(1.0), n_components)
    return fit(mixture, x, rng=1, starts=5, tolerance=1e-9, **given)


def normal_gamma(x: np.ndarray, n_components: int) -> Fit:
    """Fit independent features: means within the data's range or so, sds about a third of the data's."""
    variance = x.var(axis=0)
    return best(NormalGamma(x.mean(axis=0), 0.01, 2.0, variance / 9), x, n_components)


def normal_wishart(x: np.ndarray, n_components: int) -> Fit:
    """Fit full covariances, about a ninth of the data's, worth D + 2 points."""
    d = x.shape[1]
    return best(NormalWishart(x.mean(axis=0), 0.01, d + 2.0, np.cov(x.T).reshape(d, d) / 9), x, n_components)


def chosen(fitted: Callable[[np.ndarray, int], Fit], x: np.ndarray, most: int) -> int:
    """Return the number of components, up to so many, with the highest bound, all K! labellings counted."""
    from scipy.special import gammaln

    bounds = [fitted(x, k).elbo + gammaln(k + 1) for k in range(1, most + 1)]
    return 1 + int(np.argmax(bounds))


def misplaced(labels: np.ndarray, classes: np.ndarray) -> int:
    """Return how many points are in another cluster than their class, by the best naming of clusters."""
    kinds = np.unique(classes)
    table = np.array([[np.sum((classes == c) & (labels == k)) for k in range(len(kinds))] for c in kinds])
    return len(labels) - max(
        sum(table[i, k] for i, k in enumerate(naming)) for naming in permutations(range(len(kinds)))
    )


def labels(found: Fit, x: np.ndarray) -> np.ndarray:
    """Return every point's likeliest component, shape (N,)."""
    return found.responsibilities(x).argmax(axis=1)


def ordered(found: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Return the means, (K, D), by their first entry, and the weights in the same order."""
    mean = found.components.mean
    order = np.argsort(mean[:, 0])
    return mean[order], (found.counts / found.counts.sum())[order]


def expanded(frequencies: list[int]) -> np.ndarray:
    """Return the counts 0, 1, 2, ... as often as the frequencies say, shape (N, 1)."""
    return np.repeat(np.arange(len(frequencies)), frequencies)[:, np.newaxis].astype(float)
