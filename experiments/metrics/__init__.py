"""What is measured of a method's result: a function a metric, in a file for each theme.

A metric is a function of a `Context` that returns a `Measurement`, under ``@metric(theme=..., label=...)``.
Its name is the metric's, and the first line of its docstring says what it is. `FILES` lists the files.
"""

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
from experiments.metrics._metric import Metric
from experiments.records import Measurement

__all__ = ["FILES", "METRICS", "Context", "Metric", "Peer", "measure_all", "names"]

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
"""All metrics by name, in the order of the report."""


def names() -> list[str]:
    """Return the names of all metrics, in alphabetical order."""
    return sorted(METRICS)


def measure_all(context: Context) -> dict[str, Measurement]:
    """Return every metric of one result that its kind of study has, by name."""
    return {name: METRICS[name](context) for name in names() if METRICS[name].applies(context)}
