"""A fit by CAVI to a user's file: a prior where none is given, and a word where something looks wrong."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from experiments.commands._data import Data
from experiments.datasets import Dataset
from experiments.families import DEFAULT_FAMILY, DEFAULT_WEIGHTS
from experiments.families.components import Figures, describe, order
from experiments.families.formula import formula
from experiments.families.lookup import offered
from experiments.families.priors import family_prior, fields_of, weights_prior
from experiments.families.summary import Summary
from experiments.posterior.predictive_checks import data_fit
from experiments.records import Measurement, Problem
from experiments.studies.mixtures import too_few_points
from experiments.verdict.fit_to_data import p_values, sentence
from hand_cavi import Fit, InputError, Mixture, Status, fit


@dataclass(frozen=True)
class Model:
    """The model asked for on the command line; what its priors leave out is scaled to the data."""

    n_components: int
    family: str = DEFAULT_FAMILY
    weights: str = DEFAULT_WEIGHTS
    prior: dict[str, object] = field(default_factory=dict)
    weights_prior: dict[str, object] = field(default_factory=dict)

    def of(self, x: np.ndarray | Summary, n_components: int | None = None) -> tuple[Mixture, str]:
        """Return the mixture for these data, and what of its priors was chosen here (or nothing)."""
        n_components = n_components or self.n_components
        prior, about = family_prior(self.family, x, n_components, self.prior)
        weights, about_weights = weights_prior(self.weights, self.weights_prior)
        chosen = [about] if about else []
        if about_weights:
            chosen.append(f"{about_weights} (weights)")
        said = f"Chosen here, for want of a prior: {', '.join(chosen)}." if chosen else ""
        return Mixture(prior, weights, n_components), said


@dataclass(frozen=True)
class FileFit:
    """A fit and what is to be said of it.

    `about_model` is the model's formula; `about_prior` what of the prior was chosen here, or empty.
    """

    data: Data
    fit: Fit
    seed: int
    about_model: str
    about_prior: str
    warnings: tuple[str, ...]

    @property
    def starts_given_up(self) -> int:
        """How many starts were given up, because their bounds rose too slowly."""
        return sum(start.status is Status.GIVEN_UP for start in self.fit.starts)

    @property
    def moves_kept(self) -> int:
        """How many of the moves that were tried raised the bound."""
        return sum(move.kept for move in self.fit.moves)

    @cached_property
    def order(self) -> np.ndarray:
        """The components in the order in which they are shown, shape (K,)."""
        return order(describe(self.fit))

    @cached_property
    def figures(self) -> Figures:
        """What was found of the components, in the order of `order`."""
        return {name: values[self.order] for name, values in describe(self.fit).items()}

    @cached_property
    def data_fit(self) -> Measurement | None:
        """Posterior predictive p-values of the rows that are shown; None where the fit is not finite."""
        if self.fit.status is Status.NOT_FINITE:
            return None
        problem, rng = Problem(self.fit.mixture, self.data.shown.x), np.random.default_rng(0)
        return data_fit(problem, self.fit.sample(rng, 1000), rng, self.data.shown.features)

    def content(self) -> dict[str, object]:
        """Return the figures as JSON content."""
        fit, mixture, found = self.fit, self.fit.mixture, self.figures
        terms, condensed = fit.elbo_terms, fit.condensed
        location = next(name for name in ("mean", "rate", "probability") if name in found)
        return {
            "data": self.data.shown.about,
            "n": self.data.n_points,
            "columns": list(self.data.shown.features),
            "categories": [list(labels) for labels in self.data.shown.categories],
            "model": self.about_model,
            "family": mixture.components.name,
            "weights": mixture.weights.name,
            "prior": {**fields_of(mixture.components), "note": self.about_prior},
            "weights_prior": fields_of(mixture.weights),
            "seed": self.seed,
            "status": fit.status.name.lower(),
            "message": fit.status.value,
            "sweeps": fit.sweeps,
            "starts": len(fit.starts),
            "starts_at_best": fit.starts_at_best,
            "starts_given_up": self.starts_given_up,
            "moves_tried": len(fit.moves),
            "moves_kept": self.moves_kept,
            "condensed": condensed
            and {
                "points": condensed.n_points,
                "nodes": condensed.n_nodes,
                "elbo_error": condensed.elbo_error,
                "sums_error": condensed.sums_error,
            },
            "elbo": fit.elbo,
            "elbo_terms": {name: getattr(terms, name) for name in terms.__dataclass_fields__},
            "elbo_trace": fit.elbo_trace,
            "components": [
                {name: row[k].tolist() for name, row in found.items()} for k in range(len(self.order))
            ],
            "means": found[location],
            "sds": found["sd"],
            "counts": found["count"],
            "data_fit": p_values(self.data_fit),
            "data_sentence": sentence("The mixture", self.data_fit) or None,
            "warnings": list(self.warnings),
        }


def fit_file(data: Data, model: Model, *, seed: int = 1, **settings: Any) -> FileFit:
    """Fit a mixture to data by CAVI; `settings` are those of `hand_cavi.fit`.

    Raises
    ------
    InputError
        If the data or a setting cannot be used.
    """
    mixture, about_prior = model.of(data.summary)
    result = fit(mixture, data.source, rng=seed, **settings)
    doubt: Callable[..., str | None] | None = offered(result.components.name, "doubt")
    warnings = [
        too_few_points(data.n_points, model.n_components),
        *_unused_categories(data.shown),
        doubt(result, data.some, data.n_points, model.prior) if doubt else None,
    ]
    if settings.get("condense") is True and result.condensed is None:
        warnings.append(
            "the data could not be condensed: several columns, components too narrow for points to share a "
            "cell, or too many different rows; the sweeps ran on the points themselves"
        )
    said = tuple(word for word in warnings if word)
    return FileFit(data, result, seed, formula(mixture, data.n_points), about_prior, said)


def assignments(words: list[str], option: str) -> dict[str, object]:
    """Read ``field=value`` pairs; values are numbers, or lists (of lists) of them as in JSON.

    Raises
    ------
    InputError
        If a word is no such pair, or names a field twice.
    """
    found: dict[str, object] = {}
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


def _unused_categories(data: Dataset) -> list[str]:
    """Say where a feature has fewer categories than another: the family gives all features as many."""
    most = max((len(labels) for labels in data.categories), default=0)
    return [
        f'column "{name}" has {len(labels)} categories of the {most} that some column has; '
        "the model holds the others possible"
        for name, labels in zip(data.features, data.categories, strict=False)
        if len(labels) < max(most, 2)
    ]
