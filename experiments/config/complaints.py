"""What is wrong with a table of a configuration, in sentences: where, what, and how to mend it.

pydantic finds the faults; here they become one line each, such as
``methods[2].stpes: unknown key; did you mean "steps"?``. Entries of a list are counted from 1.
"""

import datetime
import json
import math
import re
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import getitem
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from experiments.config.plugins import did_you_mean, nearest
from hand_cavi import InputError
from hand_cavi.inputs import CONTROL

MOST = 20
"""Complaints that are said; the others are counted."""

DEEPEST = 50
"""Levels of tables and lists; nothing here has more than five."""

Place = tuple[str | int, ...]
Table = dict[str, object]

_MEANINGS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "none_required": "left out",
}
"""pydantic's types of error that say what was wanted."""

_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


class Complaints:
    """A list of sentences, and the text in which lines are looked up."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.sentences: list[str] = []

    def add(self, place: Place, what: str) -> None:
        """Say what is wrong at a place; beyond `MOST` complaints they are counted, no more."""
        if len(self.sentences) >= MOST:
            self.sentences.append("")
            return
        line = self._line(place) if place else None
        where = f"{self.source}, line {line}" if line else self.source
        self.sentences.append(f"{where}: {spell(place)}: {what}" if place else f"{where}: {what}")

    def unknown(self, place: Place, valid: Iterable[str]) -> str | None:
        """Say that nobody reads this key; returns the one that was meant, as far as one can tell."""
        valid = sorted(valid)
        if len(self.sentences) >= MOST:
            self.sentences.append("")
            return None
        meant = nearest(str(place[-1]), valid)
        hint = f'did you mean "{meant}"?' if meant else f"there are {', '.join(valid)}"
        self.add(place, f"unknown key; {hint}")
        return meant

    def _line(self, place: Place) -> int | None:
        """Return the line that sets the last key of a place, or begins its table; None if unknown."""
        lines = [line.split("#")[0] for line in self.text.splitlines()]
        first, end = self._table(lines, place)
        key = next((part for part in reversed(place) if isinstance(part, str)), "")
        setting = re.compile(rf"(?<![\w-])[\"']?{re.escape(key)}[\"']?\s*=")
        found = [i for i in range(first, end) if setting.search(lines[i])]
        if len(found) == 1:
            return found[0] + 1
        header = not found and first < len(lines) and _is_header(lines[first], place[0])
        return first + 1 if header else None

    def _table(self, lines: list[str], place: Place) -> tuple[int, int]:
        """Return where the table of a place begins, at its header, and ends, before the next one's."""
        number = place[1] if len(place) > 1 and isinstance(place[1], int) else 0
        headers = [i for i, line in enumerate(lines) if _is_header(line, place[0])]
        if number >= len(headers):
            first = next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
            return 0, first
        first = headers[number]
        inner = f"{place[0]}."
        follow = (
            i
            for i, line in enumerate(lines[first + 1 :], first + 1)
            if line.lstrip().startswith("[") and not line.strip(" [").startswith(inner)
        )
        return first, next(follow, len(lines))


def stop_at(complaints: Complaints) -> None:
    """Raise InputError with all complaints, if there are any."""
    if not complaints.sentences:
        return
    more = len(complaints.sentences) - MOST
    said = complaints.sentences[:MOST] + ([f"{complaints.source}: and {more} more"] if more > 0 else [])
    raise InputError("\n".join(said))


def _is_header(line: str, name: str | int) -> bool:
    return bool(re.match(rf"\s*\[+\s*{re.escape(str(name))}\s*\]", line))


def spell(place: Place) -> str:
    """Return a place as a path, lists counted from 1: ("methods", 1, "steps") is methods[2].steps."""
    path = ""
    for part in place:
        path += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def validated[T: BaseModel](
    table: type[T],
    values: Table,
    place: Place,
    complaints: Complaints,
    *,
    context: Table | None = None,
    also: Iterable[str] = (),
) -> T | None:
    """Return the values as this kind of table, or None after complaining; `context` is for its validators.

    `also` are further keys, read by others, that may stand beside these; for the nearest valid key.
    """
    fields = set(table.model_fields)
    unknown = [key for key in values if key not in fields]
    meant = {complaints.unknown((*place, key), fields | set(also)) for key in unknown}
    known = {key: value for key, value in values.items() if key in fields}
    try:
        result = table.model_validate_json(json.dumps(known), strict=True, context=context)
    except ValidationError as error:
        for where, sentences in _by_place(error, known).items():
            if not (where and where[0] in meant):  # it is there, misspelt
                complaints.add((*place, *where), " or ".join(dict.fromkeys(sentences)))
        return None
    return None if unknown else result


def not_allowed(value: object, place: Place) -> Iterator[tuple[Place, str]]:
    """Find what TOML allows but no configuration: NaN, infinity, dates, depth, control characters."""
    if len(place) > DEEPEST:
        yield place[:1], f"is nested more than {DEEPEST} levels deep"
    elif isinstance(value, str) and CONTROL.search(value):
        yield place, f"is {shown(value)}; it holds a control character"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from not_allowed(inner, (*place, key))
            if CONTROL.search(key):
                yield place, f"the key {shown(key)} holds a control character"
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from not_allowed(inner, (*place, i))
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, f"is {value}; it must be finite"
    elif isinstance(value, datetime.date | datetime.time):
        yield place, "is a date or a time; nothing here is one"


def _by_place(error: ValidationError, values: Any) -> dict[Place, list[str]]:
    """Gather the errors by the place of the value; alternatives of a union share one."""
    found: dict[Place, list[str]] = {}
    for fault in error.errors(include_url=False):
        place = _in_the_values(fault["loc"], values) if fault["type"] != "missing" else fault["loc"]
        found.setdefault(place, []).append(_sentence(fault, place))
    for place, sentences in found.items():
        kinds = [text.removeprefix("must be ") for text in sentences if text.startswith("must be ")]
        kinds = [kind for kind in dict.fromkeys(kinds) if kind != "left out"]
        found[place] = [text for text in sentences if not text.startswith("must be ")]
        if kinds:
            found[place].insert(
                0, f"is {shown(reduce(getitem, place, values))}; it must be {' or '.join(kinds)}"
            )
    return found


def _sentence(fault: ErrorDetails, place: Place) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return "missing"
    if kind in _MEANINGS:
        return f"must be {_MEANINGS[kind]}"
    if kind == "value_error":
        return str(context["error"])
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"must be {words} {context[name]:g}"
    value = fault["input"]
    if kind in ("literal_error", "enum"):
        valid = re.findall(r"'([^']*)'", context["expected"])
        hint = did_you_mean(value, valid) if isinstance(value, str) else ""
        return f"is {shown(value)}; it must be {context['expected']}{hint}"
    if kind == "string_pattern_mismatch":
        made_of = "letters, digits and _ . + -, and begins with a letter or a digit"
        return f"is {shown(value)}; a name is made of {made_of}"
    return f"{fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _in_the_values(loc: Place, values: Any) -> Place:
    """Drop from a location what names an alternative of a union and not a key."""
    place: list[str | int] = []
    for part in loc:
        is_key = isinstance(part, str) and isinstance(values, dict) and part in values
        if is_key or (isinstance(part, int) and isinstance(values, list)):
            place.append(part)
            values = values[part]
    return tuple(place)


def shown(value: object) -> str:
    """Return a value as a reader of TOML knows it, cut if it is long."""
    text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:57] + "..."
