"""Records as JSON, there and back: plain text that any later version, and any other tool, can read.

A dataclass has its class name under ``$class`` beside its fields; an array, its shape and values. NaN is
written as null, and comes back as NaN where a field must be a number, else as None; an infinity is the string
``Infinity`` or ``-Infinity``. Reading builds known classes only: the records of a study, and a mixture with
its family and weights. Those of the user's own go by ``module:name``; reading imports nothing, so that they
must be loaded already, as they are where the user's configuration names them.
"""

import dataclasses
import functools
import json
import sys
import types
import typing
from typing import Any

import numpy as np

import hand_cavi
import hand_cavi.families
import hand_cavi.weights
from experiments import records
from experiments.records import provenance
from hand_cavi import InputError
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.weights.mixing import MixingWeights

_CLASS = "$class"


def dumps(value: Any) -> str:
    """Return a record as JSON text.

    Raises TypeError if it holds something that is neither JSON, nor an array, nor a known dataclass.
    """
    return json.dumps(describe(value), ensure_ascii=False, allow_nan=False)


class DamagedError(InputError):
    """A text that is no record."""


class UnknownClassError(InputError):
    """A record of a class that this version does not know, or that is not loaded."""


_FAULTS = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError, MemoryError)


def loads[T](text: str, kind: type[T]) -> T:
    """Return the record of this kind that `dumps` wrote.

    Raises DamagedError if the text is no such record, UnknownClassError if a class in it is not known.
    """
    try:
        if isinstance(record := restore(json.loads(text)), kind):
            return record
        said = f"it is no {kind.__name__}"
    except UnknownClassError:
        raise
    except _FAULTS as error:
        said = f"{type(error).__name__}: {error}"
    raise DamagedError(f"a record in the study's database is damaged ({said}); remove its folder")


def describe(value: Any) -> Any:
    """Return the same in JSON's own types."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value.encode("utf-8", "replace").decode()  # a user's text may hold half a character
        case float() if np.isnan(value):
            return None
        case float() if np.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case float():
            return float(value)
        case np.generic():
            return describe(value.item())
        case np.ndarray():
            return {_CLASS: "ndarray", "shape": list(value.shape), "values": describe(value.ravel().tolist())}
        case list() | tuple():
            return [describe(entry) for entry in value]
        case dict():
            return {str(name): describe(entry) for name, entry in value.items()}
    if dataclasses.is_dataclass(value) and (name := _name(type(value))):
        fields = {f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {_CLASS: name, **fields}
    raise TypeError(f"a {type(value).__name__} cannot be kept as JSON")


def restore(data: Any, hint: Any = Any) -> Any:
    """Return what `describe` described; `hint` is the annotation of the field it is for.

    Raises UnknownClassError if it names a class that this version does not know, ValueError if it lacks one,
    TypeError if a field has another type than its annotation says.
    """
    wanted = _alternatives(hint)
    if data is None:
        return np.nan if wanted == {float} else None
    if float in wanted and isinstance(data, str | int | float):
        return float(data)
    if isinstance(data, list):
        inner = float if float in wanted else _entry(hint)
        entries = [restore(entry, inner) for entry in data]
        return tuple(entries) if typing.get_origin(hint) is tuple else entries
    if not isinstance(data, dict):
        return data
    name = data.get(_CLASS)
    if name is None:
        if any(map(dataclasses.is_dataclass, wanted)):
            raise ValueError("a record lacks its class")
        return {key: restore(entry) for key, entry in data.items()}
    return _array(data) if name == "ndarray" else _build(name, data)


def _build(name: str, data: dict[str, Any]) -> Any:
    cls = _loaded(name) if ":" in name else _known().get(name)
    if cls is None:
        raise UnknownClassError(
            f"the study uses {name!r}, which this version of elbowroom does not know; update it"
        )
    hints = _hints(cls)
    fields = {field: restore(data[field], hint) for field, hint in hints.items() if field in data}
    if not issubclass(cls, ConjugateFamily | MixingWeights):  # those look at their fields themselves
        for field, value in fields.items():
            if not _fits(value, hints[field]):
                raise TypeError(f"the {field} of a {name} is none")
    return cls(**fields)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value has the type that an annotation asks for; of an array only that it is one."""
    if hint is Any or hint is object:
        return True
    origin, arguments = _parts(hint)
    if origin is types.UnionType or origin is typing.Union:
        return any(_fits(value, one) for one in arguments)
    if origin is not None:  # a tuple, list or mapping: its last argument that is a type is its entries'
        inner = next(one for one in reversed(arguments) if one is not ...)
        entries = value.values() if isinstance(value, dict) else value
        return isinstance(value, origin) and all(_fits(entry, inner) for entry in entries)
    if hint is float or hint is int:
        return isinstance(value, hint) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint)


def _loaded(name: str) -> type:
    """Return a family or a prior of weights of the user's own if its module is loaded already."""
    module, _, attribute = name.partition(":")
    there = sys.modules.get(module)
    cls = vars(there).get(attribute) if there else None
    if isinstance(cls, type) and _name(cls) == name:
        return cls
    raise UnknownClassError(
        f'the study uses "{name}", code of your own; a study\'s folder runs none: give the configuration '
        "that names it, with --config"
    )


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    """Return the annotations of a dataclass's fields by their names."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _array(data: dict[str, Any]) -> np.ndarray:
    values = data["values"]
    kinds = {type(value) for value in values}
    plain = bool(values) and (kinds <= {int, bool} or kinds == {float})  # bool and int keep their kind
    array = np.array(values) if plain else np.array([restore(v, float) for v in values], dtype=np.float64)
    return array.reshape(data["shape"])


@functools.cache
def _alternatives(hint: Any) -> set[Any]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return set(typing.get_args(hint))
    return {hint}


@functools.cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return typing.get_origin(hint), typing.get_args(hint)


@functools.cache
def _entry(hint: Any) -> Any:
    arguments = typing.get_args(hint)
    return arguments[0] if typing.get_origin(hint) in (tuple, list) and arguments else Any


def _name(cls: type) -> str | None:
    """Return the name by which a class is written; None if it may not be."""
    if _known().get(cls.__name__) is cls:
        return cls.__name__
    own = issubclass(cls, ConjugateFamily | MixingWeights)
    return f"{cls.__module__}:{cls.__qualname__}" if own else None


@functools.cache
def _known() -> dict[str, type]:
    """Return the classes that may be written and read by their bare names."""
    known: dict[str, type] = {"Mixture": hand_cavi.Mixture}
    for module in (records, provenance, hand_cavi.families, hand_cavi.weights):
        classes = {name: thing for name, thing in vars(module).items() if isinstance(thing, type)}
        known |= {name: cls for name, cls in classes.items() if dataclasses.is_dataclass(cls)}
    return known
