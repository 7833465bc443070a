"""A study of a user's own models, from TOML: entries of [[models]] that say ``model = "my_module:problem"``.

    name = "my-study"

    [[models]]
    name = "normal"
    model = "my_model:problem"      # the file my_model.py beside this one, and problem in it

    [[methods]]
    name = "cavi"

The problem holds the data, so that there are no [[datasets]]. The methods are cavi, advi, fullrank_advi and
nuts; [run] and [verdict] are those of every study.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from experiments.config.complaints import Complaints, Place, not_numbers, validated
from experiments.config.options import Name, Options, RunOptions, VerdictOptions
from experiments.config.reading import check_methods, read_entries, read_table, stop_at
from experiments.methods.own.problem import OwnProblem, load
from experiments.config.plugins import did_you_mean, find
from hand_cavi import InputError

_JUDGED = ("means", "sds")

SETTINGS = {kind: find("own methods", kind).Settings for kind in ("cavi", "advi", "fullrank_advi", "nuts")}
"""The kinds of methods, and their options."""


@dataclass(frozen=True)
class CustomModel:
    """A model of the study: its name, and where it is, such as ``my_model:problem``."""

    name: str
    where: str
    problem: OwnProblem


@dataclass(frozen=True)
class CustomMethod:
    """A method of the study: a key of `SETTINGS`, and its options."""

    name: str
    kind: str
    settings: BaseModel


@dataclass(frozen=True)
class CustomConfig:
    """A study of a user's own models, as asked for."""

    name: str
    seed: int
    models: tuple[CustomModel, ...]
    methods: tuple[CustomMethod, ...]
    run: RunOptions
    verdict: VerdictOptions
    folder: Path | None
    text: str


class _Top(Options):
    name: Name
    seed: int = Field(default=1, ge=0)


class _Model(Options):
    name: Name
    model: str


class _Method(Options):
    name: Name
    kind: str | None = None


def is_custom(text: str) -> bool:
    """Whether a configuration has a model of the user's own; False for what is no TOML."""
    try:
        models = tomllib.loads(text.replace("\r\n", "\n")).get("models", [])
    except tomllib.TOMLDecodeError:
        return False
    return isinstance(models, list) and any(isinstance(one, dict) and "model" in one for one in models)


def parse_custom(text: str, *, source: str = "the configuration", folder: Path | None = None) -> CustomConfig:
    """Read a configuration of which `is_custom` is true.

    Parameters
    ----------
    text : str
    source : str
        What to call it in complaints.
    folder : Path, optional
        Where modules are looked for first.

    Raises
    ------
    InputError
        One line for each fault, and for each model that cannot be loaded.
    """
    values = tomllib.loads(text.replace("\r\n", "\n"))
    complaints = Complaints(source, text)
    for place, what in not_numbers(values, ()):
        complaints.add(place, what)
    stop_at(complaints)
    for name in ("datasets", "reference"):
        if values.pop(name, None) is not None:
            why = "a model of your own has its own data" if name == "datasets" else "it is NUTS"
            complaints.add((name,), f"is of no use here: {why}; leave it out")
    known = ("run", "verdict", "models", "methods")
    top = {key: value for key, value in values.items() if key not in known}
    head = validated(_Top, top, (), complaints, also=known)
    run = read_table(RunOptions, values.get("run", {}), "run", complaints)
    verdict = read_table(VerdictOptions, values.get("verdict", {}), "verdict", complaints)
    models = read_entries(
        "models",
        values.get("models"),
        lambda entry, place, out: _model(entry, place, out, folder),
        complaints,
    )
    methods = read_entries("methods", values.get("methods"), _method, complaints)
    stop_at(complaints)
    assert head is not None and isinstance(run, RunOptions) and isinstance(verdict, VerdictOptions)
    check_methods(verdict, [method.name for method in methods], complaints)
    for judged in verdict.judge:
        if judged not in _JUDGED:
            complaints.add(
                ("verdict", "judge"), f'"{judged}" is only for mixtures; here there are {", ".join(_JUDGED)}'
            )
    stop_at(complaints)
    return CustomConfig(head.name, head.seed, models, methods, run, verdict, folder, text)


def _model(
    entry: dict[str, Any], place: Place, complaints: Complaints, folder: Path | None
) -> CustomModel | None:
    if "model" not in entry:
        complaints.add(
            place, "a study of your own models has no mixtures; give them a configuration of theirs"
        )
        return None
    head = validated(_Model, entry, place, complaints)
    if head is None:
        return None
    try:
        return CustomModel(head.name, head.model, load(head.model, folder))
    except InputError as error:
        complaints.add((*place, "model"), str(error))
        return None


def _method(entry: dict[str, Any], place: Place, complaints: Complaints) -> CustomMethod | None:
    own: Sequence[str] = list(_Method.model_fields)
    head = validated(_Method, {key: entry[key] for key in entry if key in own}, place, complaints)
    if head is None:
        return None
    kind = head.kind or head.name
    if kind not in SETTINGS:
        there = f"for a model of your own there are {', '.join(SETTINGS)}"
        key = "kind" if head.kind else "name"
        complaints.add((*place, key), f'unknown method "{kind}"; {there}{did_you_mean(kind, SETTINGS)}')
        return None
    options = {key: value for key, value in entry.items() if key not in own}
    settings = validated(SETTINGS[kind], options, place, complaints, also=own)
    return None if settings is None else CustomMethod(head.name, kind, settings)
