"""The entries of a study's data sets and methods, each validated by whom it is for.

The keys of a data set are those of its source's `Settings`, those of a method its kind's. Each reader
returns None after complaining. Models are read in `experiments.config.models`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from experiments.config.complaints import Complaints, Place, validated
from experiments.config.options import Name, Options
from experiments.config.plugins import find
from hand_cavi import InputError


@dataclass(frozen=True)
class DatasetEntry:
    """A data set of the study: the source's `Settings`, validated."""

    name: str
    source: str
    settings: BaseModel


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


def read_dataset(
    entry: dict[str, Any], place: Place, complaints: Complaints, folder: Path | None
) -> DatasetEntry | None:
    """Read a data set's entry; relative paths start at `folder`."""
    return _with_plugin(
        entry, place, complaints, "datasets", _DatasetEntry, "source", "load", DatasetEntry, folder
    )


def read_method(entry: dict[str, Any], place: Place, complaints: Complaints) -> MethodEntry | None:
    """Read a method's entry."""
    read = _with_plugin(entry, place, complaints, "methods", _MethodEntry, "kind", "fit", MethodEntry)
    if read is not None and read.name == "nuts" and getattr(read.settings, "warm_start", "none") != "none":
        complaints.add(
            (*place, "name"),
            "NUTS with a warm start is reported apart from the cold one; "
            'write name = "nuts_warm" and kind = "nuts"',
        )
    return read


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
