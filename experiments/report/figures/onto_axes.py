"""A figure of the report on axes that a user gives, or in a figure that pyplot, and so a notebook, shows."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report.figures.picture import (
    NARROW,
    WIDE,
    GivenAxes,
    Layout,
    Picture,
    figure_style,
    figures_by,
)
from hand_cavi import InputError


def onto_axes(picture: Picture, ax: Any = None) -> Any:
    """Draw a picture, and return its axes: one, or an array of them.

    Parameters
    ----------
    ax : Axes, or sequence of Axes, optional
        Where to draw, one for each panel, in the order of reading; without, in a new figure of pyplot's.

    Raises
    ------
    InputError
        If `ax` is something else, or there are not as many as the picture has panels.
    """
    with figure_style():
        if ax is None:
            with figures_by(_pyplot_figure):
                axes = list(picture.draw(WIDE).axes)
        else:
            axes = _as_axes(ax)
            canvas: Any = GivenAxes(axes)
            with figures_by(lambda width, height: canvas):
                picture.draw(WIDE if sum(map(_inches, axes)) > NARROW else NARROW)
    return axes[0] if len(axes) == 1 else np.array(axes, dtype=object)


def _pyplot_figure(width: float, height: float) -> Figure:
    return plt.figure(figsize=(width, height), layout=Layout())


def _as_axes(ax: Any) -> list[Axes]:
    given = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, dtype=object)))
    strangers = [one for one in given if not isinstance(one, Axes)]
    if strangers or not given:
        what = f"a {type(strangers[0]).__name__}" if strangers else "nothing"
        raise InputError(f"ax holds {what}; give matplotlib axes, one for each panel, or leave it out")
    return given


def _inches(axes: Axes) -> float:
    figure = axes.get_figure(root=True)
    return 0.0 if figure is None else float(figure.get_figwidth() * axes.get_position().width)
