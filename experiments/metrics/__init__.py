"""What is measured of a method's result: a function a metric, in a file for each theme.

A metric is a function of a `Context` that returns a `Measurement`, under ``@metric(theme=..., label=...)``.
Its name is the metric's, and the first line of its docstring says what it is. `FILES` lists the files;
`known` has those of other distributions besides (`experiments.config.installed`).
"""

from functools import cache

from experiments.config.plugins import find, of_others
from experiments.metrics import (
    allocation,
    bounds,
    convergence,
    cost,
    data_fit,
    error_decomposition,
    moments,
    prediction,
    rank_of_truth,
)
from experiments.metrics._context import Context, Peer
from experiments.metrics._metric import Metric, metric
from experiments.records import Measurement
from hand_cavi import InputError

__all__ = ["FILES", "METRICS", "Context", "Metric", "Peer", "known", "measure_all", "metric", "names"]

FILES = (
    *(bounds, error_decomposition, convergence, moments, allocation, rank_of_truth),
    *(data_fit, prediction, cost),
)
"""Where metrics are, in the order of the report."""

METRICS: dict[str, Metric] = {
    name: thing
    for file in FILES
    for name, thing in vars(file).items()
    if isinstance(thing, Metric) and thing.compute.__module__ == file.__name__
}
"""This project's own metrics by name, in the order of the report."""


@cache
def known() -> dict[str, Metric]:
    """Return all metrics by name, in the order of the report, those of other distributions last.

    Raises InputError if one of those cannot be had, or is no metric.
    """
    return METRICS | {name: _of_another(name) for name in of_others("metrics")}


def _of_another(name: str) -> Metric:
    thing = find("metrics", name)
    if not isinstance(thing, Metric) or thing.name != name:
        raise InputError(f'"{name}" of another distribution must be a function of that name under @metric')
    return thing


def names() -> list[str]:
    """Return the names of all metrics, in alphabetical order."""
    return sorted(known())


def measure_all(context: Context) -> dict[str, Measurement]:
    """Return every metric of one result that its kind of study has, by name."""
    metrics = known()
    return {name: metrics[name](context) for name in names() if metrics[name].applies(context)}
