"""The report's figures, one file each, that offers ``picture(view)``: None where the figure does not apply.

Adding a figure is adding a file and its name to `FIGURES`, in the order of the report.
"""

from collections.abc import Callable

from experiments.report.figures import (
    bars,
    chains,
    clusters,
    co_clustering,
    ellipses,
    forest,
    k_hat,
    ladder,
    model_check,
    posterior_density,
    predictive_density,
    sd_ratio,
    trace,
    wall_time,
)
from experiments.report.figures.picture import Picture
from experiments.report.view import View

FIGURES: tuple[Callable[[View], Picture | None], ...] = (
    ladder.picture,
    forest.picture,
    sd_ratio.picture,
    clusters.picture,
    ellipses.picture,
    model_check.picture,
    predictive_density.picture,
    bars.picture,
    k_hat.picture,
    trace.picture,
    forest.weights_picture,
    posterior_density.picture,
    co_clustering.picture,
    chains.picture,
    wall_time.picture,
)
