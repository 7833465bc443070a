"""From a configuration to a plan of cells: studies of mixtures, of own models, and calibrations."""

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.config.reading import Config
    from experiments.engine.plan import Plan


def plan_of(config: "Config") -> "Plan":
    """Return what there is to run; the file of the configuration's kind lays it out.

    Raises InputError if what the configuration names cannot be had.
    """
    from experiments.studies.resolved import resolved

    plan = import_module(f"experiments.studies.{config.kind}").plan(config)
    return replace(plan, resolved=resolved(config))
