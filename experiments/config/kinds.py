"""Kinds of studies, and what a configuration of each may hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import Field

from experiments.config.options import (
    BatchOptions,
    CalibrationOptions,
    Name,
    Options,
    ReferenceOptions,
    RunOptions,
    SamplerOptions,
    VerdictOptions,
)


class Named(Options):
    """What stands above all tables."""

    name: Name = Field(description="the study's folder gets this name")


class Seeded(Named):
    """The same, with the root of all seeds."""

    seed: int = Field(default=1, ge=0, description="the root of all seeds")


@dataclass(frozen=True)
class Schema:
    """What a configuration of one kind may hold: its tables, and why it has no use for some."""

    top: type[Named]
    tables: Mapping[str, type[Options]]
    axes: tuple[str, ...]
    useless: Mapping[str, str] = field(default_factory=dict)


SCHEMAS = {
    "mixtures": Schema(
        Seeded,
        {"run": RunOptions, "reference": ReferenceOptions, "verdict": VerdictOptions},
        ("datasets", "models", "methods"),
    ),
    "own": Schema(
        Seeded,
        {"run": RunOptions, "reference": SamplerOptions, "verdict": VerdictOptions},
        ("models", "methods"),
        {"datasets": "a model of your own has its own data"},
    ),
    "calibration": Schema(
        Named,
        {"run": BatchOptions, "calibration": CalibrationOptions},
        ("models", "methods"),
        {"datasets": "a calibration simulates its own data"},
    ),
}


def kind_of(values: Mapping[str, object]) -> str:
    """Return of which kind a configuration is: ``mixtures``, ``own`` or ``calibration``."""
    if "calibration" in values:
        return "calibration"
    return "own" if has_own_models(values) else "mixtures"


def schema_of(kind: str, values: Mapping[str, object]) -> Schema:
    """Return what this configuration may hold: a calibration of mixtures around data has data sets."""
    table = values.get("calibration")
    around = isinstance(table, dict) and table.get("around") == "data"
    schema = SCHEMAS[kind]
    if kind == "calibration" and around and not has_own_models(values):
        return replace(schema, axes=("datasets", *schema.axes), useless={})
    return schema


def has_own_models(values: Mapping[str, object]) -> bool:
    """Whether a configuration is of models of the user's own: one of them names where it is."""
    models = values.get("models")
    return isinstance(models, list) and any(isinstance(one, dict) and "model" in one for one in models)
