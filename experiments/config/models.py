"""A study's models: a family with its prior, weights with theirs, and the number of components.

The fields of a prior are those of the family's class. A list as ``components`` stands for one model each,
named ``two-blobs-K1`` and so on. Each reader complains and returns None where something is wrong.
"""

import sys
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any, cast

from experiments.config.complaints import Complaints, Place, Table, shown, validated
from experiments.config.options import Name, Options
from experiments.config.plugins import find_class, names
from hand_cavi import InputError, Mixture
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.inputs import refuse_beyond_memory, within_float64
from hand_cavi.weights.mixing import MixingWeights

_LARGEST = sys.float_info.max


@dataclass(frozen=True)
class ModelEntry:
    """A model of the study, which applies to all data sets if its `datasets` are None.

    `series` is the entry's own name, where its components are a list; else empty.
    """

    name: str
    mixture: Mixture
    datasets: tuple[str, ...] | None
    series: str = ""


class _ModelEntry(Options):
    name: Name
    family: str
    components: object
    datasets: tuple[str, ...] | None = None


def read_models(entry: Table, place: Place, complaints: Complaints) -> tuple[ModelEntry, ...] | None:
    """Read an entry: one model, or one for each number of components."""
    own = {key: value for key, value in entry.items() if key not in ("prior", "weights")}
    head = validated(_ModelEntry, own, place, complaints, also=["prior", "weights"])
    family = _class("families", entry.get("family"), (*place, "family"), complaints)
    weights = _weights(entry.get("weights", "fixed"), (*place, "weights"), complaints)
    prior, of_prior = entry.get("prior", {}), (*place, "prior")
    components: ConjugateFamily | None = family and _build(family, prior, of_prior, complaints)
    if components is not None and components.natural.ndim != 1:
        complaints.add(of_prior, "these are the priors of several components; give one, which serves all")
        return None
    several = None if head is None else _numbers(head.components, (*place, "components"), complaints)
    if head is None or components is None or weights is None or several is None:
        return None
    try:
        mixtures = [Mixture(components, weights, n_components) for n_components in several]
    except InputError as error:
        complaints.add((*place, "weights"), str(error))
        return None
    if not isinstance(head.components, list):
        return (ModelEntry(head.name, mixtures[0], head.datasets),)
    return tuple(ModelEntry(f"{head.name}-K{m.n_components}", m, head.datasets, head.name) for m in mixtures)


def with_features(
    models: tuple[ModelEntry, ...], n_features: int | None, complaints: Complaints
) -> tuple[ModelEntry, ...]:
    """Return the models for D features, where a number is given; complain of those that cannot have it."""
    if n_features is None:
        return models
    ready = []
    for model in models:
        try:
            prior = model.mixture.components.with_features(n_features)
        except InputError as error:
            complaints.add(("calibration", "features"), f'model "{model.name}": {error}')
            continue
        ready.append(replace(model, mixture=replace(model.mixture, components=prior)))
    return tuple(ready)


def _numbers(value: object, place: Place, complaints: Complaints) -> list[int] | None:
    """Return the numbers of components asked for."""
    numbers: list[int] = value if isinstance(value, list) else [cast(int, value)]
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in numbers)
    if numbers and whole and len(set(numbers)) == len(numbers):
        try:
            refuse_beyond_memory(2 * max(numbers) ** 2, f"mixtures of {max(numbers)} components")
        except InputError as error:
            complaints.add(place, str(error))
            return None
        return numbers
    wanted = "a whole number, at least 1, or a list of such numbers, none twice"
    complaints.add(place, f"is {shown(value)}; it must be {wanted}")
    return None


def options_of(cls: Any) -> dict[str, Field[object]]:
    """Return the fields of a family or of weights that a user sets: those that a mixture does not fill in."""
    return {field.name: field for field in fields(cls) if field.default is not None}


def is_required(option: Field[object]) -> bool:
    """Whether an option has no default."""
    return option.default is MISSING and option.default_factory is MISSING


def _class(package: str, name: object, place: Place, complaints: Complaints) -> Any:
    """Return the class of this name, or None after complaining; a name that is no text was complained of."""
    if not isinstance(name, str):
        return None
    try:
        return find_class(package, name)
    except InputError as error:
        complaints.add(place, str(error))
        return None


def _weights(values: object, place: Place, complaints: Complaints) -> MixingWeights | None:
    """Read ``"fixed"``, or a table with a name and options."""
    if isinstance(values, str):
        values = {"name": values}
    if not isinstance(values, dict) or not isinstance(values.get("name"), str):
        such_as = 'a table with a name and options, such as { name = "dirichlet", concentration = 1.0 }'
        there = ", ".join(names("weights"))
        complaints.add(place, f"is {shown(values)}; it must be a name ({there}), or {such_as}")
        return None
    cls = _class("weights", values["name"], place, complaints)
    options = {key: value for key, value in values.items() if key != "name"}
    return cls and _build(cls, options, place, complaints)


def _build[T](cls: type[T], values: object, place: Place, complaints: Complaints) -> T | None:
    """Make a prior of a table. Here its fields' names and kinds are checked, their values by the class."""
    known = options_of(cls)
    if not isinstance(values, dict):
        complaints.add(place, f"must be a table of {', '.join(known)}")
        return None
    before = len(complaints.sentences)
    meant = set()
    for key, value in values.items():
        if key not in known:
            meant.add(complaints.unknown((*place, key), known))
        elif not _is_numeric(value):
            wanted = "a number, or a list (of lists) of numbers"
            complaints.add((*place, key), f"is {shown(value)}; it must be {wanted}")
    for key, option in known.items():
        if key not in values and key not in meant and is_required(option):
            complaints.add((*place, key), "missing")
    if len(complaints.sentences) > before:
        return None
    try:
        with within_float64():
            made = cls(**values)
            _ = getattr(made, "natural", None)  # eta too, which families hold from here on
        return made
    except InputError as error:
        complaints.add(place, str(error))
        return None


def _is_numeric(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_numeric(inner) for inner in value)
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
