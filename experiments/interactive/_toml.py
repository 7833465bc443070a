"""A configuration written as TOML, so that what is run from Python is a study like any other."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hand_cavi import InputError


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
