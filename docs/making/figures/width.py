"""The exact posterior of two means, CAVI's, and CAVI's after linear response."""

from functools import cache

import numpy as np
from matplotlib.figure import Figure
from scipy.special import logsumexp
from scipy.stats import norm

from docs.making.figures.bounds import TEXTBOOK
from docs.making.figures.colours import CAVI, CORRECTED, EXACT
from hand_cavi import Fit, fit
from hand_cavi.linear_response import linear_response

HALF_WIDTH = 0.8
"""Of the grid about each mean; the picture shows half of it."""


def points() -> np.ndarray:
    """Return two hundred points of two clusters that overlap, shape (200,)."""
    rng = np.random.default_rng(7)
    return np.where(rng.integers(0, 2, 200) == 0, -1.5, 1.5) + rng.standard_normal(200)


@cache
def fitted() -> Fit:
    """Return CAVI's fit."""
    return fit(TEXTBOOK, points(), rng=3, starts=3)


@cache
def exact() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the posterior on a grid about one of its two modes: both axes, and shares that sum to 1."""
    low, high = (
        m + np.linspace(-HALF_WIDTH, HALF_WIDTH, 161) for m in np.sort(fitted().components.mean[:, 0])
    )
    first, second = norm.pdf(points(), low[:, np.newaxis]), norm.pdf(points(), high[:, np.newaxis])
    log_p = np.log(first[:, np.newaxis] + second[np.newaxis]).sum(axis=2)
    log_p += norm.logpdf(low, 0, 5)[:, np.newaxis] + norm.logpdf(high, 0, 5)
    return low, high, np.exp(log_p - logsumexp(log_p))


def draw() -> Figure:
    """Return the contours that hold half and nine tenths of each."""
    low, high, share = exact()
    q = fitted()
    order = np.argsort(q.components.mean[:, 0])
    m = q.components.mean[order, 0]
    corrected = linear_response(q, points()).covariance("mu")[np.ix_(order, order)]
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    levels = np.sort(share.ravel())[::-1]
    thresholds = [levels[np.searchsorted(levels.cumsum(), p)] for p in (0.9, 0.5)]
    axes.contourf(low, high, share.T, [*thresholds, levels[0]], colors=EXACT, alpha=0.25)
    axes.contour(low, high, share.T, thresholds, colors=EXACT, linewidths=1)
    ours = np.diag(q.components.variance[order])
    for covariance, colour, dash in ((ours, CAVI, "-"), (corrected, CORRECTED, "--")):
        for probability in (0.9, 0.5):
            axes.plot(*_ellipse(m, covariance, probability), color=colour, linewidth=1.5, linestyle=dash)
    names = ("exact", EXACT, "-"), ("CAVI", CAVI, "-"), ("CAVI and linear response", CORRECTED, "--")
    for label, colour, dash in names:
        axes.plot([], [], color=colour, linestyle=dash, label=label)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    axes.set(xlabel="mean of the left component", ylabel="mean of the right component", aspect="equal")
    axes.set(xlim=m[0] + np.array([-0.4, 0.4]), ylim=m[1] + np.array([-0.4, 0.4]))
    axes.set(xticks=[-1.8, -1.5, -1.2], yticks=[1.2, 1.5, 1.8])
    return figure


def _ellipse(m: np.ndarray, covariance: np.ndarray, probability: float) -> np.ndarray:
    """Return the contour of a normal that holds a share of it, shape (2, 200)."""
    angle = np.linspace(0, 2 * np.pi, 200)
    radius = np.sqrt(-2 * np.log1p(-probability))
    return m[:, np.newaxis] + radius * np.linalg.cholesky(covariance) @ np.array(
        [np.cos(angle), np.sin(angle)]
    )
