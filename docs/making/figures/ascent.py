"""Coordinate ascent on five clusters: components at some sweeps, and the bound at all."""

from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from docs.making.figures.colours import CAVI, COMPONENTS, POINTS, QUIET
from examples.mutations.textbook import Derivation, State
from hand_cavi.derivation import total

CENTRES = np.array([-8.5, -4.0, 0.5, 4.5, 9.0])
START = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
SHOWN = (0, 1, 2, 4, 8, 16)
"""Sweeps that have a frame."""


def points() -> np.ndarray:
    """Return a thousand points of five clusters, shape (1000,)."""
    rng = np.random.default_rng(1)
    return CENTRES[rng.integers(0, 5, 1000)] + rng.standard_normal(1000)


@cache
def film() -> tuple[list[State], list[float]]:
    """Return the states at the start and after each sweep, and their bounds in nats."""
    derivation = Derivation(points(), n_components=5)
    state = derivation.assignments({"m": START, "s2": np.full(5, 0.1)})
    states, bounds = [state], [total(derivation.elbo(state))]
    for _ in range(max(SHOWN)):
        for factor in derivation.factors:
            state = derivation.update(state, factor)
        states.append(state)
        bounds.append(total(derivation.elbo(state)))
    return states, bounds


def draw() -> Figure:
    """Return six frames, and the bound by sweep below them."""
    states, bounds = film()
    figure = Figure(figsize=(7.6, 5.4), layout="constrained")
    grid = figure.add_gridspec(3, 3, height_ratios=(1, 1, 0.8))
    for place, sweep in enumerate(SHOWN):
        axes = figure.add_subplot(grid[divmod(place, 3)])
        _frame(axes, states[sweep])
        name = "start" if sweep == 0 else f"sweep {sweep}"
        axes.set_title(f"{name}: ELBO {bounds[sweep]:.1f}".replace("-", "\u2212"), fontsize=9, loc="left")
    axes = figure.add_subplot(grid[2, :])
    missing = bounds[-1] - np.array(bounds[:-1])
    axes.semilogy(missing[:15], color=CAVI, marker="o", markersize=3)
    axes.set(xlabel="sweeps done", ylabel="nats below the end", xticks=range(0, 15, 2))
    return figure


def _frame(axes: Axes, state: State) -> None:
    """Draw the points as a histogram, and each component at its mean, as high as its share of points."""
    at = np.linspace(-12, 12.5, 200)
    axes.hist(points(), bins=49, range=(-12, 12.5), density=True, histtype="stepfilled", color=POINTS)
    for k, colour in enumerate(COMPONENTS):
        share = state["r"][:, k].mean()
        axes.plot(at, share * norm.pdf(at, state["m"][k], 1), color=colour, linewidth=1.3)
        axes.plot(state["m"][k], 0, marker="^", color=colour, markersize=5, clip_on=False)
    axes.set(yticks=[], ylim=(0, 0.12), xlim=(-12, 12.5))
    axes.tick_params(labelsize=8, colors=QUIET)
    axes.spines["left"].set_visible(False)
