"""The page of configurations: every table and key, from the schema of `elbowroom init --schema`."""

from collections.abc import Iterator
from typing import Any

from docs.making.writing import code, plain, table
from experiments.config.schema import json_schema

_PARTS = (
    ("Data sets", "datasets_", "`[[datasets]]`, by `source`. Mixtures only."),
    ("Models", "models_", "`[[models]]`, by `family`."),
    ("Priors", "prior_of_", "`prior = { ... }` of a model, and options of its `weights`."),
    ("Methods", "methods_", "`[[methods]]`, by `kind`, which is the name if left out."),
    ("Methods of a model of your own", "own_methods_", "The same, for a model that is no mixture."),
)
_TABLES = {
    "RunOptions": "[run]",
    "BatchOptions": "[run] of a calibration",
    "ReferenceOptions": "[reference]",
    "SamplerOptions": "[reference] of a model of your own",
    "VerdictOptions": "[verdict]",
    "CalibrationOptions": "[calibration]",
    "OwnModelEntry": "[[models]] of your own",
}


def markdown() -> str:
    """Return the page's body."""
    known = json_schema()["$defs"]
    parts = ["## Tables\n"]
    for name, title in _TABLES.items():
        parts += [f"### {title}\n", *_described(known[name])]
    for title, prefix, about in _PARTS:
        parts.append(f"## {title}\n\n{about}\n")
        for name, definition in known.items():
            if name.startswith(prefix):
                shown = name.removeprefix(prefix).replace("of_your_own", "of your own")
                parts += [f"### {title}: {plain(shown)}\n", *_described(definition)]
    return "\n".join(parts)


def _described(definition: dict[str, Any]) -> Iterator[str]:
    """Yield what a table is for, and its keys."""
    if "description" in definition:
        yield plain(definition["description"].partition("\n\n")[0]) + "\n"
    required = definition.get("required", ())
    rows = [
        (code(key), _kind(field), _default(field, key in required), plain(field.get("description", "")))
        for key, field in definition.get("properties", {}).items()
    ]
    yield table(("key", "value", "default", "what it says"), rows) if rows else "No keys of its own.\n"


def _default(field: dict[str, Any], required: bool) -> str:
    if required or "default" not in field:
        return "required" if required else ""
    value = field["default"]
    return "" if value is None or value in ("", [], {}) else code(_toml(value))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return (
        f"{value:g}" if isinstance(value, float) and value == int(value) and abs(value) < 1e6 else str(value)
    )


def _kind(field: dict[str, Any]) -> str:
    """Return in a few words what a key takes."""
    if "const" in field:
        return code(_toml(field["const"]))
    if "enum" in field:
        return " or ".join(code(_toml(value)) for value in field["enum"])
    if "anyOf" in field:
        kinds = [_kind(one) for one in field["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in field:
        return "a table"
    if field.get("type") == "array":
        inside = field.get("items", {})
        kind = _kind(inside) if inside else "values"
        return f"a list of {kind}" if kind.startswith("a list") else f"a list: {kind}"
    name = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return name.get(field.get("type", ""), "a table") + _limits(field)


def _limits(field: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return f", {', '.join(limits)}" if limits else ""
