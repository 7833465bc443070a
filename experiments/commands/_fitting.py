"""A fit by CAVI to a user's file: a prior where none is given, and a word where something looks wrong."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from experiments.commands._data import SOME, Data
from experiments.commands._sds import widths
from experiments.families.components import Figures, describe, empty_components, order
from experiments.families.formula import formula
from experiments.families.lookup import offered
from experiments.families.priors import fields_of
from experiments.posterior.predictive_checks import data_fit
from experiments.records import Measurement, Problem
from experiments.records.problem import as_count
from experiments.studies.chosen_model import Model
from experiments.verdict.fit_to_data import p_values, sentence
from hand_cavi import Fit, InputError, Status, fit
from hand_cavi.ascent.cautions import on_overlap, overlapping
from hand_cavi.inputs import within_float64


@dataclass(frozen=True)
class FileFit:
    """A fit and what is to be said of it; `found` has the components' figures in the fit's order.

    `about_prior` says what of the model was chosen here; `wider`, `sds_by` and `why_not` are as in `widths`.
    """

    data: Data
    fit: Fit
    seed: int
    about_model: str
    about_prior: str
    warnings: tuple[str, ...]
    found: Figures
    wider: float
    sds_by: str
    why_not: str

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
        return {name: values[self.order] for name, values in self.found.items()}

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What belongs beside the figures: components without points, and components that overlap."""
        some = self.data.source.spread_out(SOME)
        overlap = on_overlap(overlapping(self.fit, some.rows, some.weight)[self.order])
        if overlap and self.sds_by != "mean field":
            overlap += f"; those shown are by {self.sds_by}, up to {self.wider:.3g} times as wide"
        elif overlap and self.why_not:
            overlap += f"; {self.why_not}"
        return (*empty_components(self.fit), *([overlap] if overlap else []))

    @cached_property
    def data_fit(self) -> Measurement | None:
        """Posterior predictive p-values of the rows that are shown; None where the fit is not finite."""
        if self.fit.status is Status.NOT_FINITE:
            return None
        shown, rng = self.data.shown, np.random.default_rng(0)
        problem = Problem(self.fit.mixture, shown.x, shown.sample_weight)
        return data_fit(problem, self.fit.sample(rng, 1000), rng, shown.features)

    def content(self) -> dict[str, object]:
        """Return the figures as JSON content."""
        fit, mixture, found = self.fit, self.fit.mixture, self.figures
        terms, condensed = fit.elbo_terms, fit.condensed
        location = next(name for name in ("mean", "rate", "probability") if name in found)
        return {
            "data": self.data.shown.about,
            "n": as_count(self.data.summary.total_weight),
            "rows": self.data.n_points,
            "dropped": len(self.data.shown.dropped),
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
            "sds_by": self.sds_by,
            "sds_note": self.why_not,
            "counts": found["count"],
            "data_fit": p_values(self.data_fit),
            "data_sentence": sentence("The mixture", self.data_fit) or None,
            "warnings": list(self.warnings),
            "cautions": list(self.cautions),
        }


@within_float64()
def fit_file(
    data: Data,
    model: Model,
    *,
    seed: int = 1,
    sds: str = "auto",
    begins: Callable[[str], object] = lambda stage: None,
    **settings: Any,
) -> FileFit:
    """Fit a mixture to data by CAVI; `settings` are those of `hand_cavi.fit`, `sds` as in `widths`.

    What `begins` after the sweeps is told in words.

    Raises InputError if the data or a setting cannot be used.
    """
    mixture, about_prior = model.of(data.summary)
    result = fit(mixture, data.source, rng=seed, **settings)
    doubt: Callable[..., str | None] | None = offered(result.components.name, "doubt")
    warnings = [
        *model.remarks(data.shown, data.n_points),
        doubt(result, data.some, data.n_points, model.prior) if doubt else None,
    ]
    if settings.get("condense") is True and result.condensed is None:
        warnings.append(
            "the data could not be condensed: three columns or more, components too narrow for points to "
            "share a cell, or too many different rows; the sweeps ran on the points themselves"
        )
    said = tuple(word for word in warnings if word)
    begins("standard deviations")
    shown = widths(describe(result), result, data, settings.get("threads"), sds)
    total = None if data.shown.sample_weight is None else float(result.counts.sum())
    about_model = formula(mixture, data.n_points, total)
    done = FileFit(data, result, seed, about_model, about_prior, said, *shown)
    begins("posterior predictive check")
    _ = done.cautions, done.data_fit  # here, where what leaves float64 is told
    return done


def assignments(words: list[str], option: str) -> dict[str, object]:
    """Read ``field=value`` pairs; values are numbers, or lists (of lists) of them as in JSON.

    Raises InputError if a word is no such pair, or names a field twice.
    """
    found: dict[str, object] = {}
    for word in words:
        key, equals, text = (part.strip() for part in word.partition("="))
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
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
