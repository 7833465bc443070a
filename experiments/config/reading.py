"""A study's configuration: TOML in, validated and frozen data out.

`Config` is what the rest of the program sees. A configuration that cannot be used is refused as a whole,
with one sentence for every fault, before anything is computed or written.
"""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field

from experiments.config.complaints import Complaints, Place, not_numbers, validated
from experiments.config.entries import DatasetEntry, MethodEntry, read_dataset, read_method
from experiments.config.models import ModelEntry, read_models
from experiments.config.options import Name, Options, ReferenceOptions, RunOptions, VerdictOptions
from experiments.config.plugins import did_you_mean
from hand_cavi import InputError


@dataclass(frozen=True)
class Config:
    """A study, as asked for.

    Attributes
    ----------
    name : str
    seed : int
        The root of all seeds.
    datasets, models, methods : tuple
        The axes of the grid.
    run, reference, verdict
        How to run it, what stands for the truth, and when methods agree with it.
    text : str
        The TOML text.
    """

    name: str
    seed: int
    datasets: tuple[DatasetEntry, ...]
    models: tuple[ModelEntry, ...]
    methods: tuple[MethodEntry, ...]
    run: RunOptions
    reference: ReferenceOptions
    verdict: VerdictOptions
    text: str


class _Top(Options):
    name: Name
    seed: int = Field(default=1, ge=0)


_TABLES: dict[str, type[Options]] = {
    "run": RunOptions,
    "reference": ReferenceOptions,
    "verdict": VerdictOptions,
}
_AXES = ("datasets", "models", "methods")


def load_config(path: Path) -> Config:
    """Read a configuration from a TOML file.

    Raises
    ------
    InputError
        If there is no such file, it is no TOML, or it asks for what cannot be had; one line for each fault.
    """
    return parse_config(read_text(path), source=path.name, folder=path.parent)


def read_text(path: Path) -> str:
    """Return a configuration's text.

    Raises
    ------
    InputError
        If there is no such file, or it is no text.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f'there is no configuration "{path}"; "elbowroom init" writes one') from None
    except OSError as error:
        raise InputError(f'the configuration "{path}" cannot be read: {error.strerror}') from None
    except UnicodeDecodeError as error:
        raise InputError(
            f'the configuration "{path}" is not text in UTF-8 (byte {error.start + 1})'
        ) from None


def default_config_text() -> str:
    """Return the built-in study, annotated: what `elbowroom init` writes."""
    return files("experiments.config").joinpath("default.toml").read_text(encoding="utf-8")


def parse_config(text: str, *, source: str = "the configuration", folder: Path | None = None) -> Config:
    """Read a configuration from TOML text.

    Parameters
    ----------
    text : str
    source : str
        What to call it in complaints.
    folder : Path, optional
        Where relative paths in it start; the current folder if not given.

    Raises
    ------
    InputError
        See `load_config`.
    """
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source} is not TOML: {error}") from None
    complaints = Complaints(source, text)
    for place, what in not_numbers(values, ()):
        complaints.add(place, what)
    stop_at(complaints)

    parts: dict[str, Any] = {"text": text}
    top = {key: value for key, value in values.items() if key not in (*_TABLES, *_AXES)}
    head = validated(_Top, top, (), complaints, also=(*_TABLES, *_AXES))
    for key, table in _TABLES.items():
        parts[key] = read_table(table, values.get(key, {}), key, complaints)
    readers: dict[str, Callable[[dict[str, Any], Place, Complaints], Any]] = {
        "datasets": lambda entry, place, out: read_dataset(entry, place, out, folder),
        "models": read_models,
        "methods": read_method,
    }
    for axis, reader in readers.items():
        parts[axis] = read_entries(axis, values.get(axis), reader, complaints)
    stop_at(complaints)
    assert head is not None
    parts["models"] = tuple(model for models in parts["models"] for model in models)
    config = Config(name=head.name, seed=head.seed, **parts)
    _check_names(config, complaints)
    stop_at(complaints)
    return config


def stop_at(complaints: Complaints) -> None:
    """Raise InputError with all complaints, if there are any."""
    if complaints.sentences:
        raise InputError("\n".join(complaints.sentences))


def read_table(table: type[Options], values: Any, key: str, complaints: Complaints) -> Options | None:
    """Return one of the study's tables, or None after complaining."""
    if not isinstance(values, dict):
        complaints.add((key,), f"must be a table; write [{key}]")
        return None
    return validated(table, values, (key,), complaints)


def read_entries(
    axis: str,
    entries: Any,
    reader: Callable[[dict[str, Any], Place, Complaints], Any],
    complaints: Complaints,
) -> tuple[Any, ...]:
    """Return what a list such as [[models]] holds, read entry by entry; names must differ."""
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        complaints.add((), f"{axis}: give at least one; each begins with [[{axis}]]")
        return ()
    read = tuple(reader(entry, (axis, i), complaints) for i, entry in enumerate(entries))
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        if isinstance(name := entry.get("name"), str) and name in seen:
            complaints.add((axis, i, "name"), f'"{name}" is taken already; names must differ')
        else:
            seen.add(str(name))
    return read


def _check_names(config: Config, complaints: Complaints) -> None:
    datasets = [entry.name for entry in config.datasets]
    places = {name: i for i, name in enumerate(dict.fromkeys(m.series or m.name for m in config.models))}
    taken: set[str] = set()
    for model in config.models:
        i = places[model.series or model.name]
        if model.name in taken:
            complaints.add(("models", i, "name"), f'"{model.name}" is taken already; names must differ')
        taken.add(model.name)
        _refuse_strangers(model.datasets or (), datasets, ("models", i, "datasets"), "data set", complaints)
        if model.datasets is not None and not model.datasets:
            complaints.add(("models", i, "datasets"), "is empty; leave it out to mean all")
    check_methods(config.verdict, [entry.name for entry in config.methods], complaints)
    if not complaints.sentences:
        for i, dataset in enumerate(datasets):
            if not any(model.datasets is None or dataset in model.datasets for model in config.models):
                complaints.add(("datasets", i), f'no model applies to "{dataset}"; see the models\' datasets')


def check_methods(verdict: VerdictOptions, methods: list[str], complaints: Complaints) -> None:
    """Complain about judged methods that are not in the study."""
    _refuse_strangers(verdict.methods or (), methods, ("verdict", "methods"), "method", complaints)


def _refuse_strangers(
    named: Iterable[str], valid: list[str], place: Place, what: str, complaints: Complaints
) -> None:
    for name in named:
        if name not in valid:
            hint = did_you_mean(name, valid)
            complaints.add(
                place, f'there is no {what} "{name}" in this study{hint}; there are {", ".join(valid)}'
            )
