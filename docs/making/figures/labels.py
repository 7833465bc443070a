"""Draws of two means by Gibbs sampling: as they come, and sorted within each draw."""

import numpy as np
from matplotlib.figure import Figure

from docs.making.figures.bounds import CLOSE, TEXTBOOK
from docs.making.figures.colours import ADVI, CAVI
from hand_cavi.gibbs.sampler import gibbs


def draws() -> np.ndarray:
    """Return 400 draws of both means, shape (400, 2)."""
    return gibbs(TEXTBOOK, CLOSE, rng=1, chains=1, draws=400).draws["mu"][0, :, :, 0]


def draw() -> Figure:
    """Return two panels of traces."""
    figure = Figure(figsize=(7.6, 2.6), layout="constrained")
    mu = draws()
    panels = (
        ("as they come", mu, ("component 1", "component 2")),
        ("sorted", np.sort(mu, axis=1), ("lower", "upper")),
    )
    for axes, (title, values, names) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        for k, (name, colour) in enumerate(zip(names, (CAVI, ADVI), strict=True)):
            axes.plot(
                values[:, k],
                color=colour,
                linewidth=0.8,
                label=f"{name}: mean {_number(values[:, k].mean())}",
            )
        axes.set_title(title, loc="left", fontsize=9)
        axes.set(xlabel="draw", ylim=(-4.5, 7.5))
        axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
    return figure


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
