"""What other distributions offer to studies, by entry points: methods, data sets and metrics of their own.

A distribution that has in its ``pyproject.toml``

::

    [project.entry-points."elbowroom.methods"]
    laplace = "their_package.laplace"

offers a method that a configuration calls ``laplace``. The names of this project's own are taken. Nothing is
imported to list them; `experiments.config.plugins` says whose code runs before it does.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUPS = {
    "methods": "elbowroom.methods",
    "own methods": "elbowroom.own_methods",
    "datasets": "elbowroom.datasets",
    "metrics": "elbowroom.metrics",
}
"""The groups of entry points, by the kinds of `experiments.config.plugins.PACKAGES`."""


@cache
def entry_points_of(kind: str) -> Mapping[str, tuple["EntryPoint", ...]]:
    """Return the entry points of a kind by name: more than one where distributions offer the same."""
    if kind not in GROUPS:
        return {}
    from importlib.metadata import entry_points

    found: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=GROUPS[kind]):  # one distribution may be found twice on the path
        found.setdefault(entry.name, {}).setdefault(distribution_of(entry), entry)
    return {name: tuple(by.values()) for name, by in found.items()}


def distribution_of(entry: "EntryPoint") -> str:
    """Return the name and version of the distribution that an entry point is of."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"
