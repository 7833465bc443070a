"""What ADVI's bound looks like while it climbs: from two starts, and with steps that are too small."""

import numpy as np
from matplotlib.figure import Figure

from docs.making.figures.colours import ADVI, CAVI, CORRECTED, QUIET
from examples.textbook_advi import advi
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit

RUNS = (
    ("all means start at 0, steps of 0.01", (0.0, 0.0), 0.01, ADVI),
    ("means start at −1 and 1, steps of 0.01", (-1.0, 1.0), 0.01, CAVI),
    ("means start at −1 and 1, steps of 0.001", (-1.0, 1.0), 0.001, CORRECTED),
)


def points() -> np.ndarray:
    """Return two hundred points of two clusters, shape (200,)."""
    rng = np.random.default_rng(0)
    return np.where(rng.integers(0, 2, 200) == 0, -3.0, 3.0) + rng.standard_normal(200)


def draw() -> Figure:
    """Return the bound by step, averaged over 20 steps."""
    figure = Figure(figsize=(7.6, 3.0), layout="constrained")
    axes = figure.subplots()
    for label, start, rate, colour in RUNS:
        _, _, bounds = advi(points(), start, steps=4000, rate=rate, rng=1)
        steps = np.arange(10, 4000, 20)
        axes.plot(steps, bounds.reshape(-1, 20).mean(axis=1), color=colour, linewidth=1.2, label=label)
    mixture = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), n_components=2)
    elbo = fit(mixture, points(), rng=1).elbo
    axes.axhline(elbo, color=QUIET, linewidth=1, linestyle="--", label="CAVI's ELBO")
    axes.set(xlabel="step", ylabel="F, nats", ylim=(-1100, -400))
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
