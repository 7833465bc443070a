"""Forest of posterior means and intervals: a panel for each component, a row for each method."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.report.figures.panels import component_panels, moments, only_first
from experiments.report.figures.picture import Picture, few_ticks, outer_ticks
from experiments.report.palette import REFERENCE
from experiments.report.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture(view: View) -> Picture | None:
    """Return the picture (D = 1), or None if no method has means."""
    found = moments(view)
    if not found or not view.one_feature:
        return None
    band = None
    if view.reference is not None:
        mu = view.reference["mu"][..., 0]
        band = mu.mean(axis=0), mu.std(axis=0)
    unit = view.record.unit

    def draw(width: float) -> "Figure":
        row_height = 0.55 + 0.24 * len(found)
        figure, panels, columns = component_panels(view, width, row_height, 0.3)
        labels = [view.entries[index].label for index, _, _ in found]
        for k, axes in enumerate(panels):
            if band is not None:
                centre, spread = band[0][k], band[1][k]
                axes.axvspan(centre - spread, centre + spread, color=REFERENCE.light, alpha=0.22, linewidth=0)
                axes.axvline(centre, color=REFERENCE.light, linewidth=1.0)
            for row, (index, means, sds) in enumerate(found):
                style = view.entries[index].style
                colour = style.colour.light
                for half, thickness in ((2 * sds[k], 1.0), (sds[k], 2.6)):
                    axes.plot(
                        [means[k] - half, means[k] + half], [-row, -row], color=colour, linewidth=thickness
                    )
                axes.plot(
                    means[k],
                    -row,
                    color=colour,
                    marker=style.marker,
                    markersize=5,
                    linestyle="none",
                    zorder=3,
                )
            axes.set_title(f"component {k + 1}", fontsize=8)
            axes.set_ylim(-len(found) + 0.4, 0.6)
            axes.set_yticks(-np.arange(len(found)), labels if k % columns == 0 else [])
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.margins(x=0.08)
            if columns > 3:
                outer_ticks(axes)
            else:
                few_ticks(axes, 3)
        figure.supxlabel(f"sorted mean{f' ({unit})' if unit else ''}", fontsize=8.5)
        return figure

    grey = (
        "Grey is the reference: a method agrees where its marker stands on the line and its thick bar is "
        "as wide as the band. "
        if band is not None
        else "There is no reference to compare with. "
    )
    return Picture(
        "forest",
        "Posterior means and intervals",
        "Of the smallest, second smallest, … component mean: each method's posterior mean ± 1 standard "
        f"deviation (thick) and ± 2 (thin). {grey}Each panel has its own "
        f"scale.{only_first(view)}{view.missing_from([view.entries[index] for index, _, _ in found])}",
        draw,
    )
