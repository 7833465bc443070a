"""A configuration: TOML in, validated and frozen data out, whatever kind of study it asks for.

One that cannot be used is refused as a whole, with one sentence for every fault, before anything is computed.
"""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from experiments.config.complaints import DEEPEST, Complaints, Place, Table, not_allowed, stop_at, validated
from experiments.config.entries import (
    DatasetEntry,
    MethodEntry,
    OwnModelEntry,
    read_dataset,
    read_method,
    read_own_model,
)
from experiments.config.kinds import Named, has_own_models, kind_of, schema_of
from experiments.config.models import ModelEntry, read_models, with_features
from experiments.config.options import (
    JUDGED_OF_OWN,
    RANKED,
    RANKED_OF_OWN,
    BatchOptions,
    CalibrationOptions,
    Options,
    ReferenceOptions,
    RunOptions,
    VerdictOptions,
)
from experiments.config.plugins import did_you_mean
from experiments.config.sizes import check_sizes
from hand_cavi import InputError
from hand_cavi.inputs import as_file

type Reader = Callable[[Table, Place, Complaints], object]


@dataclass(frozen=True)
class Config:
    """A study, as asked for, of one of the kinds of `SCHEMAS`; `text` is its TOML, `source` its name.

    In `folder` relative paths start, and a user's modules are looked for first. `run` says how to run cells,
    `batches` those of a calibration.
    """

    kind: str
    name: str
    seed: int
    methods: tuple[MethodEntry, ...]
    text: str
    source: str = "the configuration"
    folder: Path | None = None
    datasets: tuple[DatasetEntry, ...] = ()
    models: tuple[ModelEntry, ...] = ()
    own_models: tuple[OwnModelEntry, ...] = ()
    run: RunOptions = field(default_factory=RunOptions)
    batches: BatchOptions = field(default_factory=BatchOptions)
    reference: ReferenceOptions = field(default_factory=ReferenceOptions)
    verdict: VerdictOptions = field(default_factory=VerdictOptions)
    calibration: CalibrationOptions = field(default_factory=CalibrationOptions)


def load_config(path: Path) -> Config:
    """Read a configuration from a TOML file.

    Raises InputError if there is no such file, it is no TOML, or it asks for what cannot be had; one line for
    each fault.
    """
    path = as_file(path, "configuration", hint='; "elbowroom init" writes one')
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f'the configuration "{path}" cannot be read: {error.strerror}') from None
    except UnicodeDecodeError as error:
        what = f"is not text in UTF-8 (byte {error.start + 1})"
        raise InputError(f'the configuration "{path}" {what}') from None
    return parse_config(text, source=path.name, folder=path.parent)


def default_config_text() -> str:
    """Return the built-in study, annotated: what `elbowroom init` writes."""
    return files("experiments.config").joinpath("default.toml").read_text(encoding="utf-8")


def parse_config(text: str, *, source: str = "the configuration", folder: Path | None = None) -> Config:
    """Read a configuration from TOML text, which complaints call `source`, see `Config`.

    Raises InputError as `load_config` does.
    """
    try:
        values: Table = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source} is not TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{source} is nested more than {DEEPEST} levels deep") from None
    except ValueError as error:  # an integer of thousands of digits
        raise InputError(f"{source} holds a number that cannot be read: {error}") from None
    complaints = Complaints(source, text)
    for place, what in not_allowed(values, ()):
        complaints.add(place, what)
    stop_at(complaints)

    kind = kind_of(values)
    schema = schema_of(kind, values)
    for name, why in schema.useless.items():
        if values.pop(name, None) is not None:
            complaints.add((name,), f"is of no use here: {why}; leave it out")
    known = (*schema.tables, *schema.axes)
    at_top = {key: value for key, value in values.items() if key not in known}
    head = validated(schema.top, at_top, (), complaints, also=known)
    tables = {key: _read_table(at, values.get(key, {}), key, complaints) for key, at in schema.tables.items()}
    own = has_own_models(values)
    readers: dict[str, Reader] = {
        "datasets": lambda entry, place, out: read_dataset(entry, place, out, folder),
        "models": read_own_model if own else read_models,
        "methods": lambda entry, place, out: read_method(entry, place, out, own=own),
    }
    axes = {axis: _read_entries(axis, values.get(axis), readers[axis], complaints) for axis in schema.axes}
    stop_at(complaints)
    assert head is not None
    bare = Config(kind, head.name, 1, (), text, source, folder)
    config = _checked(_with_parts(bare, head, {**tables, **axes}, own), complaints)
    stop_at(complaints)
    return config


def _with_parts(bare: Config, head: Named, parts: dict[str, Any], own: bool) -> Config:
    """Return the configuration with its tables and axes where its kind of study has them."""
    if bare.kind == "calibration":
        parts["batches"] = parts.pop("run")
    if bare.kind == "own":
        parts["reference"] = ReferenceOptions(samplers=parts["reference"].samplers)
    if own:
        parts["own_models"] = parts.pop("models")
    else:
        parts["models"] = tuple(chain.from_iterable(parts["models"]))
    seeded: Any = parts.get("calibration", head)
    return replace(bare, seed=seeded.seed, **parts)


def _read_table(table: type[Options], values: object, key: str, complaints: Complaints) -> Options | None:
    """Return one of the study's tables, or None after complaining."""
    if not isinstance(values, dict):
        complaints.add((key,), f"must be a table; write [{key}]")
        return None
    return validated(table, values, (key,), complaints)


def _read_entries(axis: str, entries: object, reader: Reader, complaints: Complaints) -> tuple[object, ...]:
    """Return what a list such as [[models]] holds, read entry by entry; names must differ."""
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        complaints.add((), f"{axis}: give at least one; each begins with [[{axis}]]")
        return ()
    read = tuple(reader(entry, (axis, i), complaints) for i, entry in enumerate(entries))
    taken: set[str] = set()
    for i, name in enumerate(entry.get("name") for entry in entries):
        if isinstance(name, str):
            if name in taken:
                complaints.add((axis, i, "name"), f'"{name}" is taken already; names must differ')
            taken.add(name)
    return read


def _checked(config: Config, complaints: Complaints) -> Config:
    """Complain of what the parts of a configuration say of each other; return what is to be used."""
    methods = [method.name for method in config.methods]
    _check_models(config, complaints)
    check_sizes(config, complaints)
    if config.kind == "calibration":
        _refuse_strangers(config.calibration.judge, methods, ("calibration", "judge"), "method", complaints)
        _check_ranked(config, complaints)
        features = config.calibration.features
        return replace(config, models=with_features(config.models, features, complaints))
    _refuse_strangers(config.verdict.methods, methods, ("verdict", "methods"), "method", complaints)
    _refuse_strangers(config.reference.samplers, methods, ("reference", "samplers"), "method", complaints)
    if config.kind == "own":
        for judged in config.verdict.judge or ():
            if judged not in JUDGED_OF_OWN:
                what = f'"{judged}" is only for mixtures; here there are {", ".join(JUDGED_OF_OWN)}'
                complaints.add(("verdict", "judge"), what)
    elif not complaints.sentences:
        for i, dataset in enumerate(config.datasets):
            if not any(model.datasets is None or dataset.name in model.datasets for model in config.models):
                what = f'no model applies to "{dataset.name}"; see the models\' datasets'
                complaints.add(("datasets", i), what)
    return config


def _check_ranked(config: Config, complaints: Complaints) -> None:
    """Complain of quantities, and of sizes, that the models of a calibration do not have."""
    options, own = config.calibration, bool(config.own_models)
    for name in options.quantities or ():
        known = RANKED_OF_OWN if own else RANKED
        if name not in known:
            whose = "models of your own" if own else "mixtures"
            what = f'"{name}" is not ranked of {whose}; there are {", ".join(known)}'
            complaints.add(("calibration", "quantities"), what)
    for size in ("points", "features") if own else ():
        if size in options.model_fields_set and getattr(options, size) is not None:
            complaints.add(("calibration", size), "is of no use here: your own model says it; leave it out")


def _check_models(config: Config, complaints: Complaints) -> None:
    """Complain of models whose names are taken, and of data sets that are not there."""
    datasets = [entry.name for entry in config.datasets]
    places = {name: i for i, name in enumerate(dict.fromkeys(m.series or m.name for m in config.models))}
    taken: set[str] = set()
    for model in config.models:
        i = places[model.series or model.name]
        if model.name in taken:
            complaints.add(("models", i, "name"), f'"{model.name}" is taken already; names must differ')
        taken.add(model.name)
        where = ("models", i, "datasets")
        if config.kind == "calibration" and not datasets and model.datasets is not None:
            complaints.add(where, "a calibration has no data sets; leave it out")
        elif model.datasets == ():
            complaints.add(where, "is empty; leave it out to mean all")
        else:
            _refuse_strangers(model.datasets, datasets, where, "data set", complaints)


def _refuse_strangers(
    named: Iterable[str] | None, valid: list[str], place: Place, what: str, complaints: Complaints
) -> None:
    for name in named or ():
        if name not in valid:
            there = f"{did_you_mean(name, valid)}; there are {', '.join(valid)}"
            complaints.add(place, f'there is no {what} "{name}" in this study{there}')
