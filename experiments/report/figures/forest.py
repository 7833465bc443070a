"""Forest of posterior means and intervals: a panel for each component or quantity, a row for each method."""

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from experiments.report.cautions import cautions
from experiments.report.figures.marks import panel_ticks, shade
from experiments.report.figures.panels import (
    Moments,
    axis_label,
    flat_location,
    moments,
    only_first,
    panel_grid,
    titles,
)
from experiments.report.figures.picture import Picture
from experiments.report.style.palette import REFERENCE
from experiments.report.view import Entry, View

_AGREES = (
    "Grey is the reference, with bands of the same widths: a method agrees where its marker stands on the "
    "line and its bars end where the bands do. "
)


def picture(view: View) -> Picture | None:
    """Return the picture of means (rates, probabilities), or None if no method has any."""
    rows = moments(view, "sorted" if view.is_sorted else "component")
    if not rows:
        return None
    band = None if view.reference is None else _moments_of(flat_location(view.reference))
    heads = titles(view)
    of_what = (
        f"Of the smallest, second smallest, … component {view.word}"
        if view.is_sorted
        else f"Of each component's {view.word}, components named alike by the points they hold"
    )
    grey = _AGREES if band is not None else "There is no reference to compare with. "
    return Picture(
        "forest",
        f"Posterior {view.words} and intervals",
        f"{of_what}: each method's posterior mean ± 1 standard "
        f"deviation (thick) and ± 2 (thin). {grey}Each panel has its own "
        f"scale.{only_first(len(heads))}{view.missing_from([entry for entry, _ in rows])}{_beside(view)}",
        partial(_draw, heads, rows, band, axis_label(view)),
    )


def weights_picture(view: View) -> Picture | None:
    """Return the picture of the components' weights, or None where they are known."""
    rows = [(e, _moments_of(draws["weights"])) for e, draws in view.with_draws if "weights" in draws]
    if not rows:
        return None
    weights = (view.reference or {}).get("weights")
    band = None if weights is None else _moments_of(weights)
    heads = [f"component {k + 1}" for k in range(len(rows[0][1][0]))]
    return Picture(
        "weights",
        "Weights and intervals",
        "The components' weights, in the same order: each method's posterior mean ± 1 standard deviation "
        f"(thick) and ± 2 (thin). {_AGREES if band is not None else ''}Each panel has its own scale."
        f"{only_first(len(heads))}{view.missing_from([entry for entry, _ in rows])}{_beside(view)}",
        partial(_draw, heads, rows, band, "weight"),
        "moments",
    )


def quantities_picture(view: View) -> Picture | None:
    """Return the picture of a user's own quantities, or None if no method has draws."""
    if not view.with_draws:
        return None
    heads = list(view.with_draws[0][1])
    rows = [
        (entry, _moments_of(np.array([draws[head] for head in heads]).T)) for entry, draws in view.with_draws
    ]
    band = (
        None if view.reference is None else _moments_of(np.array([view.reference[head] for head in heads]).T)
    )
    grey = "The grey band and line are the reference: NUTS, which qualified. " if band else ""
    return Picture(
        "forest",
        "Posterior means and intervals",
        "Each method's posterior mean ± 1 standard deviation (thick) and ± 2 (thin). "
        f"{grey}Each panel has its own scale.{only_first(len(heads))}",
        partial(_draw, heads, rows, band, ""),
    )


def _beside(view: View) -> str:
    return "".join(f" {caution}" for caution in cautions(view.record))


def _moments_of(values: np.ndarray) -> Moments:
    return values.mean(axis=0), values.std(axis=0)


def _draw(
    heads: list[str], rows: list[tuple[Entry, Moments]], band: Moments | None, label: str, width: float
) -> Figure:
    figure, panels, columns = panel_grid(len(heads), width, 0.55 + 0.24 * len(rows), 0.3)
    labels = [entry.label for entry, _ in rows]
    for k, axes in enumerate(panels):
        if band is not None:
            centre, spread = band[0][k], band[1][k]
            for half in (2 * spread, spread):
                shade(axes, centre - half, centre + half)
            axes.axvline(centre, color=REFERENCE.light, linewidth=1.0)
        for row, (entry, (means, sds)) in enumerate(rows):
            colour = entry.style.colour.light
            for half, thickness in ((2 * sds[k], 1.0), (sds[k], 2.6)):
                axes.plot([means[k] - half, means[k] + half], [-row, -row], color=colour, linewidth=thickness)
            axes.plot(means[k], -row, entry.style.marker, color=colour, markersize=5, zorder=3)
        axes.set_title(heads[k], fontsize=8)
        axes.set_ylim(-len(rows) + 0.4, 0.6)
        axes.set_yticks(-np.arange(len(rows)), labels if k % columns == 0 else [])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.08)
        panel_ticks(axes, columns)
    if label:
        figure.supxlabel(label, fontsize=8.5)
    return figure
