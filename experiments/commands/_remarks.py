"""What is said of the data and the model before a fit: what looks wrong, or may be meant otherwise."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.datasets import Dataset
from experiments.families import AUTO
from experiments.studies.mixtures import too_few_points

if TYPE_CHECKING:
    from experiments.commands._fitting import Model

_FEW = 50
"""Different values, each of them twice on average, that may be counts; a convention of this project."""


def before(shown: Dataset, n_points: int, model: "Model") -> list[str]:
    """Return the remarks; `shown` are all of `n_points` rows, or some of them."""
    all_shown = len(shown.x) == n_points
    words = [
        too_few_points(shown.x, model.n_components) if all_shown else None,
        _perhaps_counts(shown.x) if model.family == AUTO else None,
        *_unused_categories(shown),
    ]
    return [word for word in words if word]


def _perhaps_counts(x: np.ndarray) -> str | None:
    """Point to the families of counts and of categories, which nobody asked for."""
    if (x < 0).any() or (x != np.floor(x)).any():
        return None
    different = max(len(np.unique(column)) for column in x.T)
    if different > min(_FEW, len(x) // 2):
        return None
    return (
        f"whole numbers from {x.min():g} to {x.max():g}, {different} different ones at most in a column: if "
        "they are counts, take --family gamma_poisson; if they are codes, --family dirichlet_categorical"
    )


def _unused_categories(data: Dataset) -> list[str]:
    """Say where a feature has fewer categories than another: the family gives all features as many."""
    most = max((len(labels) for labels in data.categories), default=0)
    return [
        f'column "{name}" has {len(labels)} categories of the {most} that some column has; '
        "the model holds the others possible"
        for name, labels in zip(data.features, data.categories, strict=False)
        if len(labels) < max(most, 2)
    ]
