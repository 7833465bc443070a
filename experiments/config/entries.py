"""The entries of a study's three axes: data sets, models and methods, each validated by whom it is for.

The keys of a data set are those of its source's `Settings`, those of a method its kind's, and a prior's
fields are its family's. Each reader returns None after complaining.
"""

import math
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from experiments.config.complaints import Complaints, Place, shown, validated
from experiments.config.options import Name, Options
from experiments.plugins import find, find_class
from hand_cavi import InputError, Mixture


@dataclass(frozen=True)
class DatasetEntry:
    """A data set of the study: the source's `Settings`, validated."""

    name: str
    source: str
    settings: BaseModel


@dataclass(frozen=True)
class ModelEntry:
    """A model of the study, and the data sets to which it applies (None: to all)."""

    name: str
    mixture: Mixture
    datasets: tuple[str, ...] | None


@dataclass(frozen=True)
class MethodEntry:
    """A method of the study: the kind's `Settings`, validated."""

    name: str
    kind: str
    settings: BaseModel


class _Entry(Options):
    name: Name


class _DatasetEntry(_Entry):
    source: str | None = None


class _MethodEntry(_Entry):
    kind: str | None = None


class _ModelEntry(_Entry):
    family: str
    components: int = Field(ge=1)
    weights: str = "fixed"
    datasets: tuple[str, ...] | None = None


def read_dataset(
    entry: dict[str, Any], place: Place, complaints: Complaints, folder: Path | None
) -> DatasetEntry | None:
    """Read a data set's entry; relative paths start at `folder`."""
    return _with_plugin(
        entry, place, complaints, "datasets", _DatasetEntry, "source", "load", DatasetEntry, folder
    )


def read_method(entry: dict[str, Any], place: Place, complaints: Complaints) -> MethodEntry | None:
    """Read a method's entry."""
    return _with_plugin(entry, place, complaints, "methods", _MethodEntry, "kind", "run", MethodEntry)


def _with_plugin(
    entry: dict[str, Any],
    place: Place,
    complaints: Complaints,
    room: str,
    own: type[_Entry],
    selector: str,
    function: str,
    result: Any,
    folder: Path | None = None,
) -> Any:
    """Read an entry whose further keys are those of a plugin's `Settings`."""
    own_keys = set(own.model_fields)
    head = validated(own, {key: entry[key] for key in entry if key in own_keys}, place, complaints)
    chosen = entry.get(selector, entry.get("name"))
    if not isinstance(chosen, str):
        return None
    try:
        plugin = find(room, chosen, offers=("Settings", function))
        if not (isinstance(plugin.Settings, type) and issubclass(plugin.Settings, BaseModel)):
            raise InputError(f'the Settings of "{chosen}" are no pydantic model, which they must be')
    except InputError as error:
        complaints.add((*place, selector if selector in entry else "name"), str(error))
        return None
    options = {key: value for key, value in entry.items() if key not in own_keys}
    context = {"folder": folder} if folder is not None else None
    settings = validated(plugin.Settings, options, place, complaints, context=context, also=own_keys)
    return result(head.name, chosen, settings) if head is not None and settings is not None else None


def read_model(entry: dict[str, Any], place: Place, complaints: Complaints) -> ModelEntry | None:
    """Read a model's entry."""
    head = validated(
        _ModelEntry,
        {key: value for key, value in entry.items() if key != "prior"},
        place,
        complaints,
        also=["prior"],
    )
    if head is None:
        return None
    found = {}
    for room, key, name in (("families", "family", head.family), ("weights", "weights", head.weights)):
        try:
            found[key] = find_class(room, name)
        except InputError as error:
            complaints.add((*place, key), str(error))
    if len(found) < 2:
        return None
    before = len(complaints.sentences)
    prior = _prior(found["family"], entry.get("prior", {}), (*place, "prior"), complaints)
    if len(complaints.sentences) > before:
        return None
    try:
        components = found["family"](**prior)
        if components.natural.ndim != 1:
            raise InputError("these are the priors of several components; give one, which serves all")
        mixture = Mixture(components, found["weights"](), head.components)
    except InputError as error:
        complaints.add((*place, "prior"), str(error))
        return None
    return ModelEntry(head.name, mixture, head.datasets)


def _prior(family: Any, values: Any, place: Place, complaints: Complaints) -> dict[str, Any]:
    """Check the names and kinds of a prior's fields; the family itself checks their values."""
    if not isinstance(values, dict):
        complaints.add(place, "must be a table, such as {mean = 0.0, variance = 25.0}")
        return {}
    known = {field.name: field for field in fields(family)}
    meant = set()
    for key, value in values.items():
        if key not in known:
            meant.add(complaints.unknown((*place, key), known))
        elif not _is_numeric(value):
            complaints.add((*place, key), f"is {shown(value)}; it must be a number, or a list of numbers")
    for key, field in known.items():
        if (
            key not in values
            and key not in meant
            and field.default is MISSING
            and field.default_factory is MISSING
        ):
            complaints.add((*place, key), "missing")
    return values


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_numeric(inner) for inner in value)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
