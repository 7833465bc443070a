"""The JSON schema of a configuration of any kind, from the tables and from every plugin's `Settings`.

For editors that complete and check TOML; `experiments.config.reading` does the checking that counts.
"""

from functools import reduce
from operator import or_
from typing import Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from experiments.config.entries import OWN_MODULE, OwnModelEntry
from experiments.config.kinds import SCHEMAS
from experiments.config.models import is_required, options_of
from experiments.config.options import Name, Options
from experiments.config.plugins import about, find, find_class, names


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12)."""
    datasets = [_entry("datasets", name, "source") for name in names("datasets")]
    mixtures = [_model(name) for name in names("families")]
    entries = {
        "datasets": _list_of([*datasets, _users_own("datasets", "source")]),
        "models": _list_of(mixtures),
        "methods": _methods("methods"),
    }
    of_own = {"models": _list_of([OwnModelEntry]), "methods": _methods("own methods")}
    kinds: list[type[BaseModel]] = []
    for kind, schema in SCHEMAS.items():
        known = entries | (of_own if kind == "own" else {})
        fields: dict[str, Any] = {axis: known[axis] for axis in schema.axes}
        if kind == "calibration":  # of mixtures or of models of one's own
            fields = {axis: (entries[axis][0] | of_own[axis][0], entries[axis][1]) for axis in fields}
            fields["datasets"] = (entries["datasets"][0] | None, None)  # around which it is simulated
        fields |= {name: (table, ... if name == kind else table()) for name, table in schema.tables.items()}
        kinds.append(create_model(f"study of {kind}", __base__=schema.top, **fields))
    whole: TypeAdapter[Any] = TypeAdapter(reduce(or_, kinds))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole.json_schema()}


def _methods(kind: str) -> Any:
    return _list_of([*(_entry(kind, name, "kind") for name in names(kind)), _users_own(kind, "kind")])


def _entry(kind: str, name: str, selector: str) -> type[BaseModel]:
    """Return an entry of a list: the plugin's settings, its name, and the key that selects the plugin."""
    settings, doc = find(kind, name).Settings, about(kind, name)
    selector_field = Field(name, description=f"default: the entry's name; {doc}")
    fields: dict[str, Any] = {"name": (Name, ...), selector: (Literal[name], selector_field)}
    return create_model(f"{kind} {name}", __base__=settings, __doc__=doc, **fields)


def _users_own(kind: str, selector: str) -> type[BaseModel]:
    selector_field = Field(pattern=OWN_MODULE, description='"my_module:my_thing"')
    fields: dict[str, Any] = {"name": (Name, ...), selector: (str, selector_field)}
    return create_model(f"{kind} of your own", __config__=ConfigDict(extra="allow", frozen=True), **fields)


def _model(family: str) -> type[BaseModel]:
    fields_of_a_model: dict[str, Any] = {
        "name": (Name, ...),
        "family": (Literal[family], ...),
        "components": (
            int | list[int],
            Field(description="the number of components, K; a list stands for one model each"),
        ),
        "prior": (_prior("families", family), ...),
        "weights": (
            Union[(Literal[tuple(names("weights"))], *map(_weights, names("weights")))],  # noqa: UP007
            Field("fixed", description="the weights' prior: its name, or a table of name and options"),
        ),
        "datasets": (
            list[str] | None,
            Field(default=None, description="to which it applies; without, to all"),
        ),
    }
    doc = about("families", family)
    return create_model(f"models {family}", __base__=Options, __doc__=doc, **fields_of_a_model)


def _prior(kind: str, of: str, selected: dict[str, Any] | None = None) -> type[BaseModel]:
    """Return the fields of a prior: numbers, vectors or matrices."""
    options: dict[str, Any] = {
        option: (float | list[float] | list[list[float]], ... if is_required(field) else field.default)
        for option, field in options_of(find_class(kind, of)).items()
    }
    return create_model(f"prior of {of}", __base__=Options, **(selected or {}), **options)


def _weights(name: str) -> type[BaseModel]:
    selected: dict[str, Any] = {"name": (Literal[name], Field(..., description=about("weights", name)))}
    return _prior("weights", name, selected)


def _list_of(alternatives: list[type[BaseModel]]) -> Any:
    return list[Union[tuple(alternatives)]], Field(min_length=1)  # type: ignore[misc]  # noqa: UP007
