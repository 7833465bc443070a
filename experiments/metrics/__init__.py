"""What is measured of a method's result: one file one metric, found by its name.

Each file offers ``compute(context) -> Measurement``, and the first line of its docstring says what it is.
Files whose names begin with an underscore are no metrics.
"""

from importlib import import_module
from pkgutil import iter_modules

from experiments.metrics._context import Context, Peer
from experiments.records import Measurement

__all__ = ["Context", "Peer", "describe", "measure_all", "names"]


def names() -> list[str]:
    """Return the names of all metrics, in alphabetical order."""
    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))


def describe(name: str) -> str:
    """Return a metric's description."""
    return (import_module(f"experiments.metrics.{name}").__doc__ or "").strip().partition("\n")[0]


def measure_all(context: Context) -> dict[str, Measurement]:
    """Return every metric of one result, by name."""
    return {name: import_module(f"experiments.metrics.{name}").compute(context) for name in names()}
