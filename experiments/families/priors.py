"""Priors where none is given: weakly informative, scaled to the data, and said aloud.

Each family's `default_prior` looks at the data's mean, range or variance only, so that another unit of x
changes nothing but the unit. The concentration of Dirichlet or stick-breaking weights is 1, which is flat for
the first. A prior that depends on the data sees them twice; with little data, or for an evidence that means
something, give one.
"""

from collections.abc import Collection, Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

import numpy as np

from experiments.config.models import is_required, options_of
from experiments.config.plugins import did_you_mean, find_class
from experiments.families import AUTO, DEFAULT_WEIGHTS, ONE_COLUMN, SEVERAL_COLUMNS, TEXTBOOK
from experiments.families.lookup import offered
from experiments.families.summary import Summary
from hand_cavi import InputError
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.weights.mixing import MixingWeights

Default = tuple[np.ndarray | float, str]
"""A field's value, and how it was chosen, in words."""


def model_for(family: str, weights: str, n_features: int, given: Collection[str]) -> tuple[str, str, str]:
    """Return the family, the prior of the weights, and what of them is chosen here, in words, or nothing.

    What is ``auto`` is chosen, by the number of columns and by the fields that are `given` of the prior.
    """
    chosen = []
    if family == AUTO:
        family = SEVERAL_COLUMNS if n_features > 1 else ONE_COLUMN
        lacking = set(given) - set(options_of(find_class("families", family)))
        if lacking and lacking <= set(options_of(find_class("families", TEXTBOOK))):
            family, why = TEXTBOOK, f"to which {' and '.join(sorted(lacking))} belongs"
        else:
            why = "for several columns" if n_features > 1 else "for one column of numbers"
            why += f"; the textbook's model is --family {TEXTBOOK}"
        chosen.append(f"family {family} ({why})")
    if weights == AUTO:
        weights = offered(family, "WEIGHTS") or DEFAULT_WEIGHTS
        chosen.append(f"weights {weights}")
    return family, weights, " and ".join(chosen)


def family_prior(
    name: str, x: np.ndarray | Summary, n_components: int, given: Mapping[str, object]
) -> tuple[ConjugateFamily, str]:
    """Return a prior of a family for D features, its fields given by name or scaled to the data x, (N, D).

    Also return which fields were chosen and how, such as "mean = the data's mean"; empty if none was.

    Raises
    ------
    InputError
        If the family is unknown, has no such field, or the values cannot be used.
    """
    cls = find_class("families", name)
    x = x if isinstance(x, Summary) else Summary.of(x)
    choose = offered(name, "default_prior")
    if choose and not np.isfinite(x.variance).all():
        raise InputError("the data spread so widely that float64 cannot hold their variance; rescale them")
    prior: ConjugateFamily
    prior, about = _made(cls, given, choose(x, n_components) if choose else {})
    return prior.with_features(x.n_features), about


def weights_prior(name: str, given: Mapping[str, object]) -> tuple[MixingWeights, str]:
    """Return a prior of the weights, and which options were chosen here; see `family_prior`."""
    return _made(find_class("weights", name), given, {"concentration": (1.0, "1")})


def fields_of(prior: ConjugateFamily | MixingWeights) -> dict[str, object]:
    """Return what identifies a prior beside its name, as JSON content by field."""
    of_class: tuple[Field[Any], ...] = fields(prior) if is_dataclass(prior) else ()
    names = [each.name for each in of_class if not each.name.startswith("_")]
    return {name: np.asarray(getattr(prior, name)).tolist() for name in names}


def _made(cls: Any, given: Mapping[str, object], defaults: dict[str, Default]) -> tuple[Any, str]:
    known = options_of(cls)
    for key in given:
        if key not in known:
            there = ", ".join(known) or "none"
            raise InputError(
                f'a prior of {cls.name} has no field "{key}"{did_you_mean(key, known)} (there are {there})'
            )
    chosen = {key: value for key, value in defaults.items() if key in known and key not in given}
    lacking = [key for key in known if is_required(known[key]) and key not in given and key not in chosen]
    if lacking:
        raise InputError(f"a prior of {cls.name} needs {' and '.join(lacking)}; give it with --prior")
    try:
        prior = cls(**given, **{key: value for key, (value, _) in chosen.items()})
    except InputError as error:
        raise InputError(f"prior: {error}") from None
    return prior, ", ".join(f"{key.replace('_', ' ')} = {how}" for key, (_, how) in chosen.items())
