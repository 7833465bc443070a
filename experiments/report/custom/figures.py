"""The two figures of a user's model: means with intervals, and densities; a panel for each quantity."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.engine.store.files import read_tree
from experiments.methods.own.variables import stored_quantities
from experiments.posterior.draws import are_independent
from experiments.records import CellRecord
from experiments.report.figures.panels import only_first, panel_grid
from experiments.report.figures.picture import Picture, few_ticks, legend_above, outer_ticks
from experiments.report.figures.posterior_density import smoothed
from experiments.report.style.palette import REFERENCE, MethodStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GRID = 128


@dataclass(frozen=True)
class Curve:
    """One method's draws of the quantities, (S,) each; the reference is drawn in grey, behind the others."""

    style: MethodStyle
    values: dict[str, np.ndarray]
    is_reference: bool


def curves_of(cells: tuple[CellRecord, ...], styles: dict[str, MethodStyle], qualified: bool) -> list[Curve]:
    """Read the draws of all cells that have them; the first sampler's are the reference if it qualified."""
    curves: list[Curve] = []
    for cell in cells:
        if cell.draws is None or not cell.draws.exists():
            continue
        tree = read_tree(cell.draws)
        taken = any(curve.is_reference for curve in curves)
        values = {name: v.ravel() for name, v in stored_quantities(tree).items()}
        is_reference = qualified and not taken and not are_independent(tree)
        curves.append(Curve(styles[cell.cell.method], values, is_reference))
    return curves


def pictures(curves: list[Curve]) -> list[Picture]:
    """Return the figures; none without draws."""
    if not curves:
        return []
    names = list(curves[0].values)
    truth = next((curve for curve in curves if curve.is_reference), None)
    grey = "The grey band and line are the reference: NUTS, which qualified. " if truth else ""

    def forest(width: float) -> "Figure":
        figure, panels, columns = panel_grid(len(names), width, 0.55 + 0.24 * len(curves), 0.3)
        for number, (axes, name) in enumerate(zip(panels, names, strict=False)):
            _forest_panel(axes, name, curves, truth, labelled=number % columns == 0)
            outer_ticks(axes) if columns > 3 else few_ticks(axes, 3)
        return figure

    def densities(width: float) -> "Figure":
        figure, panels, columns = panel_grid(len(names), width, 1.55, 0.55)
        handles: list[Any] = []
        for axes, name in zip(panels, names, strict=False):
            handles = _density_panel(axes, name, curves)
            outer_ticks(axes) if columns > 3 else few_ticks(axes, 3)
        legend_above(figure, handles, width)
        return figure

    more = only_first(len(names))
    return [
        Picture(
            "forest",
            "Posterior means and intervals",
            "Each method's posterior mean ± 1 standard deviation (thick) and ± 2 (thin). "
            f"{grey}Each panel has its own scale.{more}",
            forest,
        ),
        Picture(
            "density",
            "Posterior densities",
            f"The same as whole distributions, smoothed from draws. {'Grey is the reference. ' * bool(truth)}"
            "A curve that is too narrow is too sure of itself, as those of mean-field methods often are; a "
            f"shifted one is biased.{more}",
            densities,
        ),
    ]


def _forest_panel(
    axes: "Axes", name: str, curves: list[Curve], truth: Curve | None, *, labelled: bool
) -> None:
    if truth is not None:
        centre, spread = truth.values[name].mean(), truth.values[name].std()
        for half in (2 * spread, spread):
            axes.axvspan(centre - half, centre + half, color=REFERENCE.light, alpha=0.16, linewidth=0)
        axes.axvline(centre, color=REFERENCE.light, linewidth=1.0)
    for row, curve in enumerate(curves):
        mean, sd = curve.values[name].mean(), curve.values[name].std()
        colour = curve.style.colour.light
        for half, thickness in ((2 * sd, 1.0), (sd, 2.6)):
            axes.plot([mean - half, mean + half], [-row, -row], color=colour, linewidth=thickness)
        axes.plot(
            mean, -row, color=colour, marker=curve.style.marker, markersize=5, linestyle="none", zorder=3
        )
    axes.set_title(name, fontsize=8)
    axes.set_ylim(-len(curves) + 0.4, 0.6)
    axes.set_yticks(-np.arange(len(curves)), [curve.style.label for curve in curves] if labelled else [])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)


def _density_panel(axes: "Axes", name: str, curves: list[Curve]) -> list[Any]:
    everyone = [curve.values[name] for curve in curves]
    low = min(np.quantile(values, 0.002) for values in everyone)
    high = max(np.quantile(values, 0.998) for values in everyone)
    pad = 0.08 * (high - low) or 0.5
    grid = np.linspace(low - pad, high + pad, _GRID)
    handles: list[Any] = []
    for curve in sorted(curves, key=lambda curve: not curve.is_reference):
        density = smoothed(curve.values[name], grid)
        if curve.is_reference:
            label = f"reference ({curve.style.label})"
            handles.append(
                axes.fill_between(grid, density, color=REFERENCE.light, alpha=0.3, linewidth=0, label=label)
            )
        else:
            handles += axes.plot(
                grid,
                density,
                color=curve.style.colour.light,
                linestyle=curve.style.dash,
                linewidth=1.3,
                label=curve.style.label,
            )
    axes.set_title(name, fontsize=8)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return handles
