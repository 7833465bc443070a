"""One fit by CAVI to a file: a prior where none is given, and a word where the scale makes it silly."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from experiments.commands._data import CATEGORIES, Data, read
from experiments.datasets import Dataset
from experiments.datasets.summary import Overview
from experiments.families import moments as _posterior
from experiments.families import priors
from experiments.families.formula import formula
from experiments.studies.mixtures import model_content, too_few_points
from hand_cavi import Fit, InputError, Mixture, NormalKnownVariance, Status, fit

__all__ = ["CATEGORIES", "Model", "QuickFit", "assignments", "quick_fit", "read"]

_SILLY = 4.0
"""A noise variance this many times too large or too small is worth a word; a convention of this project."""


@dataclass(frozen=True)
class Model:
    """The model asked for on the command line; what is left out is scaled to the data.

    Attributes
    ----------
    family, weights : str
    n_components : int
    prior, weights_prior : dict
        Fields that were given.
    """

    n_components: int
    family: str = "normal_known_variance"
    weights: str = "fixed"
    prior: dict[str, Any] = field(default_factory=dict)
    weights_prior: dict[str, Any] = field(default_factory=dict)

    def of(self, x: np.ndarray | Overview, n_components: int | None = None) -> tuple[Mixture, str]:
        """Return the mixture for these data, and what of its priors was chosen here (or nothing)."""
        n_components = n_components or self.n_components
        prior, about = priors.family_prior(self.family, x, n_components, self.prior)
        weights, about_weights = priors.weights_prior(self.weights, self.weights_prior)
        chosen = [about] if about else []
        if about_weights:
            chosen.append(f"{about_weights} (weights)")
        said = f"Chosen here, for want of a prior: {', '.join(chosen)}." if chosen else ""
        return Mixture(prior, weights, n_components), said


@dataclass(frozen=True)
class QuickFit:
    """A fit and what is to be said of it.

    Attributes
    ----------
    data : Data
    fit : Fit
    seed : int
    about_model, about_prior : str
        The model's formula, and what of the prior was chosen here (empty if nothing was).
    warnings : tuple of str
    """

    data: Data
    fit: Fit
    seed: int
    about_model: str
    about_prior: str
    warnings: tuple[str, ...]

    @property
    def starts_at_best(self) -> int:
        """How many starts reached the best bound, to 1e-6 relative."""
        best = self.fit.starts[0].elbo
        return sum(start.elbo >= best - 1e-6 * max(1.0, abs(best)) for start in self.fit.starts)

    @property
    def starts_given_up(self) -> int:
        """How many starts were given up, because their bounds rose too slowly."""
        return sum(start.status is Status.GIVEN_UP for start in self.fit.starts)

    @cached_property
    def order(self) -> np.ndarray:
        """The components in the order in which they are shown, shape (K,)."""
        return _posterior.order(_posterior.describe(self.fit))

    @cached_property
    def figures(self) -> dict[str, np.ndarray]:
        """What was found of the components, in the order of `order`; see `_posterior.describe`."""
        return {name: values[self.order] for name, values in _posterior.describe(self.fit).items()}

    def components(self) -> list[dict[str, Any]]:
        """Return what was found of every component, as JSON content."""
        return [
            {name: values[k].tolist() for name, values in self.figures.items()}
            for k in range(len(self.order))
        ]

    def picture(self) -> Any:
        """Draw the data, or some of many, and the fitted components over them, as fits the family."""
        from experiments.report.figures import fit_figure

        return fit_figure(self.fit, self.data.shown, self.order)

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON content."""
        terms, data = self.fit.elbo_terms, self.data.shown
        content = model_content(self.fit.mixture)
        found = self.figures
        location = next(name for name in ("mean", "rate", "probability") if name in found)
        return {
            "data": data.about,
            "n": self.data.n_points,
            "columns": list(data.features),
            "categories": [list(labels) for labels in data.categories],
            "model": self.about_model,
            "family": content["components"]["name"],
            "weights": content["weights"]["name"],
            "prior": {
                **{key: value for key, value in content["components"].items() if key != "name"},
                "note": self.about_prior,
            },
            "weights_prior": {key: value for key, value in content["weights"].items() if key != "name"},
            "seed": self.seed,
            "status": self.fit.status.name.lower(),
            "message": self.fit.status.value,
            "sweeps": self.fit.sweeps,
            "starts": len(self.fit.starts),
            "starts_at_best": self.starts_at_best,
            "starts_given_up": self.starts_given_up,
            "condensed": self._condensed(),
            "elbo": self.fit.elbo,
            "elbo_terms": {name: getattr(terms, name) for name in terms.__dataclass_fields__},
            "elbo_trace": self.fit.elbo_trace,
            "components": self.components(),
            "means": found[location],
            "sds": found["sd"],
            "counts": found["count"],
            "warnings": list(self.warnings),
        }

    def _condensed(self) -> dict[str, Any] | None:
        found = self.fit.condensed
        if found is None:
            return None
        return {
            "points": found.n_points,
            "nodes": found.n_nodes,
            "elbo_error": found.elbo_error,
            "sums_error": found.sums_error,
        }


def quick_fit(
    data: Data, model: Model, *, seed: int = 1, condense: bool | Literal["auto"] = "auto", **settings: Any
) -> QuickFit:
    """Fit a mixture to data by CAVI.

    Parameters
    ----------
    data : Data
    model : Model
    seed : int
    condense : bool or "auto"
    **settings
        Of `hand_cavi.fit`.

    Raises
    ------
    InputError
        If the data or a setting cannot be used.
    """
    mixture, about_prior = model.of(data.overview)
    result = fit(mixture, data.source, rng=seed, condense=condense, **settings)
    warnings = [too_few_points(data.n_points, model.n_components), *_unused_categories(data.shown)]
    if "noise_variance" not in model.prior:
        warnings.append(_scale_warning(data, result))
    if condense is True and result.condensed is None:
        warnings.append(
            "the data could not be condensed: several columns, components too narrow for points to share a "
            "cell, or too many different rows; the sweeps ran on the points themselves"
        )
    return QuickFit(
        data,
        result,
        seed,
        formula(mixture, data.n_points),
        about_prior,
        tuple(word for word in warnings if word),
    )


def assignments(words: list[str], option: str) -> dict[str, Any]:
    """Read ``field=value`` pairs; values are numbers, or lists (of lists) of them as in JSON.

    Raises
    ------
    InputError
        If a word is no such pair, or names a field twice.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = (part.strip() for part in word.partition("="))
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not (key and equals) or value is None or isinstance(value, bool | str | dict):
            raise InputError(
                f'{option} "{word}" cannot be read; write FIELD=VALUE with a number or a list of numbers, '
                "such as mean=0 or mean=[3.5,70]"
            )
        if key in found:
            raise InputError(f"{option} gives {key} twice; once is enough")
        found[key] = value
    return found


def _by(n_seen: int, n_points: int) -> str:
    return "" if n_seen == n_points else f" (by {n_seen:,} of {n_points:,}, evenly spaced)"


def _unused_categories(data: Dataset) -> list[str]:
    """Say where a feature has fewer categories than another: the family gives all features as many."""
    most = max((len(labels) for labels in data.categories), default=0)
    return [
        f'column "{name}" has {len(labels)} categories of the {most} that some column has; '
        "the model holds the others possible"
        for name, labels in zip(data.features, data.categories, strict=False)
        if len(labels) < max(most, 2)
    ]


def _scale_warning(data: Data, result: Fit) -> str | None:
    """Compare the points' variance about their components with the noise variance that was assumed.

    Of many points, some are looked at.
    """
    if not isinstance(result.components, NormalKnownVariance):
        return None
    x = data.some()
    n_points, n_features = x.shape
    free = n_points - len(result.counts)
    if free < 1:
        return None
    noise_variance = result.components.noise_variance
    square = np.sum((x[:, np.newaxis] - result.components.mean) ** 2, axis=2)
    within = float(np.sum(result.responsibilities(x) * square)) / (free * n_features)
    if noise_variance / _SILLY <= within <= noise_variance * _SILLY:
        return None
    return (
        f"the noise variance was taken to be {noise_variance:g}, but points scatter about their components "
        f"with variance {within:.3g}{_by(len(x), data.n_points)}; give --noise-variance, or "
        "take a family that learns it: --family normal_gamma or normal_wishart"
    )
