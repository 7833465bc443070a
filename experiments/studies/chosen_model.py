"""A model for data where not all of it is given: what is left out is chosen for the data, and said."""

from dataclasses import dataclass, field

import numpy as np

from experiments.datasets import Dataset
from experiments.families import AUTO
from experiments.families.priors import family_prior, model_for, weights_prior
from experiments.families.summary import Summary
from hand_cavi import Mixture
from hand_cavi.ascent.cautions import on_few_points
from hand_cavi.inputs import within_float64
from hand_cavi.sources import as_source

FEW = 50
"""Different values, each of them twice on average, that may be counts; a convention of this project."""


@dataclass(frozen=True)
class Model:
    """The model that is asked for; what is left out is chosen for the data, see `model_for`."""

    n_components: int
    family: str = AUTO
    weights: str = AUTO
    prior: dict[str, object] = field(default_factory=dict)
    weights_prior: dict[str, object] = field(default_factory=dict)

    @within_float64()
    def of(self, x: np.ndarray | Summary | Dataset, n_components: int | None = None) -> tuple[Mixture, str]:
        """Return the mixture for these data, and what of it was chosen here (or nothing)."""
        n_components = n_components or self.n_components
        if isinstance(x, Dataset):
            x = Summary.of(as_source(x.x, x.sample_weight))
        x = x if isinstance(x, Summary) else Summary.of(x)
        family, of_weights, about_model = model_for(self.family, self.weights, x.n_features, self.prior)
        prior, about = family_prior(family, x, n_components, self.prior)
        weights, about_weights = weights_prior(of_weights, self.weights_prior)
        chosen = [about] if about else []
        if about_weights:
            chosen.append(f"{about_weights} (weights)")
        said = [f"Chosen here: {about_model}."] if about_model else []
        if chosen:
            said.append(f"Chosen here, for want of a prior: {', '.join(chosen)}.")
        return Mixture(prior, weights, n_components), "\n".join(said)

    def remarks(self, shown: Dataset, n_points: int) -> list[str]:
        """Return what looks wrong before any fit, or may be meant otherwise."""
        x = shown.x
        size = len(x) if shown.sample_weight is None else shown.sample_weight.sum()
        few = on_few_points(x, self.n_components, shown.sample_weight) if len(x) == n_points else ""
        words = [few]
        whole = self.family == AUTO and not (x < 0).any() and not (x != np.floor(x)).any()
        if whole and (n := max(len(np.unique(column)) for column in x.T)) <= min(FEW, size / 2):
            words.append(
                f"whole numbers from {x.min():g} to {x.max():g}, {n} different ones in a column: if they are "
                "counts, take --family gamma_poisson; if they are codes, --family dirichlet_categorical"
            )
        return [word for word in [*words, *_unused_categories(shown)] if word]


def _unused_categories(data: Dataset) -> list[str]:
    """Say where a feature has fewer categories than another: the family gives all features as many."""
    most = max((len(labels) for labels in data.categories), default=0)
    return [
        f'column "{name}" has {len(labels)} categories of the {most} that some column has; '
        "the model holds the others possible"
        for name, labels in zip(data.features, data.categories, strict=False)
        if len(labels) < max(most, 2)
    ]
