"""The entries of a study's data sets and methods, each validated by the `Settings` of its source or kind.

Each reader returns None after complaining. Mixtures are read in `experiments.config.models`.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from experiments.config.complaints import Complaints, Place, Table, validated
from experiments.config.options import Name, Options
from experiments.config.plugins import find, refuse_without_libraries
from hand_cavi import InputError

OWN_MODULE = r"^[^:]+:[^:]+$"
"""How a schema has what users call ``my_module:my_thing``; loading it says more of what is wrong."""


@dataclass(frozen=True)
class DatasetEntry:
    """A data set of the study: the source's `Settings`, validated."""

    name: str
    source: str
    settings: BaseModel


@dataclass(frozen=True)
class MethodEntry:
    """A method: the user's name for it, the plugin's (or ``my_module:my_thing``), its `Settings`."""

    name: str
    kind: str
    settings: BaseModel


class _Entry(Options):
    name: Name


class _DatasetEntry(_Entry):
    source: str | None = None


class _MethodEntry(_Entry):
    kind: str | None = None


class OwnModelEntry(_Entry, title="model of your own"):
    """A model of the user's own: its name, and where it is, such as ``my_model:problem``."""

    model: str = Field(description='"my_module:my_thing"', json_schema_extra={"pattern": OWN_MODULE})


def read_dataset(
    entry: Table, place: Place, complaints: Complaints, folder: Path | None
) -> DatasetEntry | None:
    """Read a data set's entry; relative paths start at `folder`."""
    read = _with_plugin(entry, place, complaints, "datasets", _DatasetEntry, "source", {"folder": folder})
    return None if read is None else DatasetEntry(*read)


def read_method(
    entry: Table, place: Place, complaints: Complaints, *, own: bool = False
) -> MethodEntry | None:
    """Read a method's entry; `own` says whether it is for a model of the user's own."""
    package = "own methods" if own else "methods"
    read = _with_plugin(entry, place, complaints, package, _MethodEntry, "kind")
    if read is None:
        return None
    method = MethodEntry(*read)
    if method.name == "nuts" and getattr(method.settings, "warm_start", "none") != "none":
        what = "NUTS with a warm start is reported apart from the cold one"
        complaints.add((*place, "name"), f'{what}; write name = "nuts_warm" and kind = "nuts"')
    return method


def read_own_model(entry: Table, place: Place, complaints: Complaints) -> OwnModelEntry | None:
    """Read a model of the user's own; whether it can be loaded is seen later."""
    if "model" not in entry:
        what = "a study of your own models has no mixtures; give them a configuration of theirs"
        complaints.add(place, what)
        return None
    return validated(OwnModelEntry, entry, place, complaints)


def _with_plugin(
    entry: Table,
    place: Place,
    complaints: Complaints,
    package: str,
    own: type[_Entry],
    selector: str,
    context: Table | None = None,
) -> tuple[str, str, BaseModel] | None:
    """Read an entry whose further keys are those of a plugin's `Settings`."""
    own_keys = set(own.model_fields)
    head = validated(own, {key: entry[key] for key in entry if key in own_keys}, place, complaints)
    chosen = entry.get(selector, entry.get("name"))
    if not isinstance(chosen, str):
        return None
    try:
        plugin = find(package, chosen)
        refuse_without_libraries(chosen, plugin)
        if not (isinstance(plugin.Settings, type) and issubclass(plugin.Settings, BaseModel)):
            raise InputError(f'the Settings of "{chosen}" are no pydantic model, which they must be')
    except InputError as error:
        complaints.add((*place, selector if selector in entry else "name"), str(error))
        return None
    options = {key: value for key, value in entry.items() if key not in own_keys}
    settings = validated(plugin.Settings, options, place, complaints, context=context, also=own_keys)
    return (head.name, chosen, settings) if head is not None and settings is not None else None
