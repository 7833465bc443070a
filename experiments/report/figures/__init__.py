"""The report's figures, one file each.

A file offers ``picture(view) -> Picture | None``: None where the figure does not apply. Adding a figure
is adding a file and its name to `FIGURES`, in the order of the report.
"""

from collections.abc import Callable

from experiments.report.figures import (
    bars,
    clusters,
    density,
    ellipses,
    forest,
    ladder,
    posterior,
    trace,
    wall_time,
)
from experiments.report.figures.clusters import clusters_figure
from experiments.report.figures.one_fit import fit_figure
from experiments.report.figures.picture import Picture
from experiments.report.view import View

FIGURES: tuple[Callable[[View], Picture | None], ...] = (
    clusters.picture,
    ellipses.picture,
    density.picture,
    bars.picture,
    ladder.picture,
    trace.picture,
    forest.picture,
    forest.weights_picture,
    posterior.picture,
    wall_time.picture,
)

__all__ = ["FIGURES", "Picture", "clusters_figure", "fit_figure"]
