"""What a calibration is asked to do: a TOML file with models and methods as in a study's, and one table more.

    name = "overlapping"
    [calibration]
    replicates = 500
    points = 50
    seed = 1

There are no data sets: the models make their own.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from experiments.calibration.quantities import KINDS, Kind
from experiments.config.complaints import Complaints, not_numbers, validated
from experiments.config.entries import MethodEntry, read_method
from experiments.config.models import ModelEntry, read_models
from experiments.config.options import Name, Options
from experiments.config.reading import read_entries, read_table, read_text, stop_at
from experiments.config.plugins import did_you_mean, find
from hand_cavi import InputError, Mixture


class CalibrationOptions(Options):
    """How much is simulated, what is ranked, and when a method passes. The margins are this project's own."""

    replicates: int = Field(default=200, ge=20, description="data sets that are simulated from each model")
    points: int = Field(default=50, ge=1, description="points of each data set, N")
    features: int | None = Field(default=None, ge=1, description="D; without, as many as the prior has")
    seed: int = Field(default=1, ge=0, description="the root of all seeds")
    draws: int = Field(default=200, ge=10, description="among how many draws the truth is ranked, at most")
    batch: int = Field(default=50, ge=1, description="replicates that a worker does at a time")
    quantities: tuple[Kind, ...] = Field(default=KINDS, min_length=1, description="what is ranked")
    judge: tuple[str, ...] | None = Field(
        default=None,
        description="the methods, by name, that decide how the command exits; without, those that claim to "
        "be exact (kinds gibbs and nuts), and all if there are none",
    )
    error_rate: float = Field(
        default=0.01, gt=0, lt=0.5, description="chance of a wrong flag, all that is judged together"
    )
    shift_margin: float = Field(
        default=0.25, gt=0, description="in posterior standard deviations: a bias that no longer matters"
    )
    width_margin: float = Field(
        default=1.25, gt=1, description="a factor between true and claimed spread that no longer matters"
    )

    @field_validator("quantities", "judge")
    @classmethod
    def _each_once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and (not value or len(set(value)) < len(value)):
            raise ValueError("the list is empty, or names one twice; name each once")
        return value


class RunOptions(Options):
    """How the batches are run."""

    workers: int | None = Field(default=None, ge=1, description="processes at a time; without, all cores")
    time_limit: float = Field(default=1800.0, gt=0, description="seconds that one batch may take")
    output: str = Field(
        default="studies", min_length=1, description="the folder in which the calibration gets its own"
    )


@dataclass(frozen=True)
class CalibrationConfig:
    """A calibration, as asked for.

    Attributes
    ----------
    name : str
    options : CalibrationOptions
    run : RunOptions
    models : tuple of ModelEntry
        Their mixtures know their number of features.
    methods : tuple of MethodEntry
    judged : tuple of str
        Names of the methods that are judged.
    text : str
        The TOML text.
    """

    name: str
    options: CalibrationOptions
    run: RunOptions
    models: tuple[ModelEntry, ...]
    methods: tuple[MethodEntry, ...]
    judged: tuple[str, ...]
    text: str


class _Top(Options):
    name: Name


_TABLES: dict[str, type[Options]] = {"calibration": CalibrationOptions, "run": RunOptions}
_AXES = ("models", "methods")


def load_calibration(path: Path) -> CalibrationConfig:
    """Read a calibration's configuration from a TOML file.

    Raises
    ------
    InputError
        If there is no such file, it is no TOML, or it asks for what cannot be had; one line for each fault.
    """
    return parse_calibration(read_text(path), source=path.name)


def parse_calibration(text: str, *, source: str = "the configuration") -> CalibrationConfig:
    """Read a calibration's configuration from TOML text; see `load_calibration`."""
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source} is not TOML: {error}") from None
    complaints = Complaints(source, text)
    for place, what in not_numbers(values, ()):
        complaints.add(place, what)
    stop_at(complaints)
    if "datasets" in values:
        complaints.add((), "datasets: a calibration simulates its own data; leave [[datasets]] out")
        values.pop("datasets")
    top = {key: value for key, value in values.items() if key not in (*_TABLES, *_AXES)}
    head = validated(_Top, top, (), complaints, also=(*_TABLES, *_AXES))
    tables: dict[str, Any] = {
        key: read_table(table, values.get(key, {}), key, complaints) for key, table in _TABLES.items()
    }
    models = read_entries("models", values.get("models"), read_models, complaints)
    methods: tuple[MethodEntry, ...] = read_entries("methods", values.get("methods"), read_method, complaints)
    stop_at(complaints)
    assert head is not None
    options: CalibrationOptions = tables["calibration"]
    flat = _with_features([one for several in models for one in several], options, complaints)
    judged = _judged(options.judge, methods, complaints)
    stop_at(complaints)
    return CalibrationConfig(head.name, options, tables["run"], flat, methods, judged, text)


def _with_features(
    models: list[ModelEntry], options: CalibrationOptions, complaints: Complaints
) -> tuple[ModelEntry, ...]:
    """Return the models for D features; complain of those that cannot be simulated."""
    ready, names = [], set()
    for i, model in enumerate(models):
        place = ("models", i)
        mixture = model.mixture
        if model.name in names:
            complaints.add(place, f'"{model.name}" is taken already; names must differ')
        names.add(model.name)
        if model.datasets is not None:
            complaints.add((*place, "datasets"), "a calibration has no data sets; leave it out")
        if options.features is not None:
            try:
                prior = mixture.components.with_features(options.features)
            except InputError as error:
                complaints.add(("calibration", "features"), f'model "{model.name}": {error}')
                continue
            mixture = Mixture(prior, mixture.weights, mixture.n_components)
        ready.append(ModelEntry(model.name, mixture, None, model.series))
    return tuple(ready)


def _judged(
    named: tuple[str, ...] | None, methods: tuple[MethodEntry, ...], complaints: Complaints
) -> tuple[str, ...]:
    names = [method.name for method in methods]
    for name in named or ():
        if name not in names:
            complaints.add(
                ("calibration", "judge"),
                f'there is no method "{name}" here{did_you_mean(name, names)}; there are {", ".join(names)}',
            )
    if named is not None:
        return tuple(name for name in names if name in named)
    exact = tuple(one.name for one in methods if getattr(find("methods", one.kind), "EXACT", False))
    return exact or tuple(names)
