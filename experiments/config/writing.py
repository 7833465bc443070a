"""A configuration written as TOML, for a study that is asked for in other words than a file's."""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.config.models import options_of
from hand_cavi import InputError, Mixture


def written(top: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], **lists: Any) -> str:
    """Return TOML: keys at the top, tables, and lists of tables such as ``models``; None is left out."""
    lines = _pairs(top)
    for name, table in tables.items():
        if table:
            lines += ["", f"[{name}]", *_pairs(table)]
    for name, entries in lists.items():
        for entry in entries:
            lines += ["", f"[[{name}]]", *_pairs(entry)]
    return "\n".join(lines) + "\n"


def model_entry(name: str, mixture: Mixture) -> dict[str, Any]:
    """Return the entry of a mixture: its family and weights, with their priors."""
    weights = {"name": _called(mixture.weights), **_fields(mixture.weights)}
    return {
        "name": name,
        "family": _called(mixture.components),
        "components": mixture.n_components,
        "weights": weights,
        "prior": _fields(mixture.components),
    }


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_pairs(value))} }}"
    if isinstance(value, list | tuple | range):
        return f"[{', '.join(map(_value, value))}]"
    raise InputError(f"a configuration holds numbers, text, lists and tables; a {type(value).__name__} came")


def _text(text: str) -> str:
    """Return a TOML string; JSON's is one, but for the one character that it leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _called(prior: Any) -> str:
    """Return what a configuration calls a family or weights: the name, or where a user's own is."""
    cls = type(prior)
    if cls.__module__.startswith("hand_cavi."):
        return str(prior.name)
    if cls.__module__ == "__main__" or not hasattr(sys.modules[cls.__module__], "__file__"):
        raise InputError(
            f"{cls.__name__} is defined in this session, where other processes cannot find it; put it into a "
            "module, a file beside this one, and import it from there"
        )
    return f"{cls.__module__}:{cls.__qualname__}"


def _fields(prior: Any) -> dict[str, Any]:
    return {name: np.asarray(getattr(prior, name)).tolist() for name in options_of(type(prior))}
