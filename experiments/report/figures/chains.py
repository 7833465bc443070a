"""The reference's chains: traces, and rank histograms after Vehtari et al. (2021), section 4.3."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import rankdata

from experiments.posterior.draws import are_independent, sorted_location
from experiments.report.figures.marks import few_ticks
from experiments.report.figures.panels import titles_of
from experiments.report.figures.picture import WIDE, Picture, new_figure
from experiments.report.style.palette import MUTED, REFERENCE, cluster_colour
from experiments.report.view import View

_MOST_QUANTITIES = 3
_MOST_DRAWN = 160  # draws of a chain in a trace
_BINS = 20


def picture(view: View) -> Picture | None:
    """Return the picture, or None if the reference is no sampler."""
    tree = view.record.reference.draws
    if tree is None or are_independent(tree):
        return None
    values = sorted_location(tree)
    if values.shape[0] < 2 or values.shape[1] < _BINS or not np.isfinite(values).all():
        return None
    chains = values.reshape(*values.shape[:2], -1)
    # chains that explore the same distribution have mean ranks of 1/2
    apart = np.array([common_ranks(chains[..., i]).mean(axis=1).std() for i in range(chains.shape[-1])])
    worst = np.argsort(-apart, kind="stable")[:_MOST_QUANTITIES]
    names = titles_of(view, chains.shape[-1])
    shown = [(names[i], chains[..., i]) for i in worst]
    word = f"sorted {view.word}" + ("" if len(shown) == 1 else "s")
    return Picture(
        "chains",
        "Traces and ranks of the reference",
        f"Of the {len(shown)} {word} whose chains differ most: left, each of the {len(chains)} chains draw "
        f"by draw; right, for each chain, how often its draws have low, "
        "middle and high ranks among the draws of all chains. Chains that found the same distribution "
        "have rank histograms near the grey line; a chain stuck elsewhere has a slope or a peak. Only "
        "sorted quantities are shown, so switched labels do no harm.",
        lambda width: _draw(shown, width),
        "reference",
    )


def common_ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of every draw among the draws of all chains, from 0 to 1; values and ranks (C, M)."""
    return np.asarray((rankdata(values).reshape(values.shape) - 0.5) / values.size)


def rank_histograms(values: np.ndarray, bins: int = _BINS) -> np.ndarray:
    """Return each chain's share of draws in every bin of the common ranks; (C, M) to (C, bins)."""
    edges = np.linspace(0, 1, bins + 1)
    return np.array([np.histogram(chain, edges)[0] / values.shape[1] for chain in common_ranks(values)])


def _draw(shown: list[tuple[str, np.ndarray]], width: float) -> Figure:
    figure = new_figure(width, 0.25 + len(shown) * 1.25)
    grid = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(1.5, 1))
    for row, (head, values) in enumerate(shown):
        left, right = grid[row]
        _trace(left, values)
        _ranks(right, values)
        left.set_title(head, fontsize=8)
        last = row == len(shown) - 1
        left.set_xlabel("draw" if last else "")
        right.set_xlabel("rank among all draws" if last else "")
        few_ticks(left, 4 if width >= WIDE else 2)
    return figure


def _trace(axes: Axes, values: np.ndarray) -> None:
    n_draws = values.shape[1]
    some = np.unique(np.linspace(0, n_draws - 1, min(n_draws, _MOST_DRAWN)).round().astype(int))
    for c, chain in enumerate(values):
        axes.plot(some, chain[some], color=cluster_colour(c).light, linewidth=0.6, alpha=0.75)
    axes.set_xlim(0, n_draws)
    axes.locator_params(axis="y", nbins=3)


def _ranks(axes: Axes, values: np.ndarray) -> None:
    shares = rank_histograms(values)
    edges = np.linspace(0, 1, shares.shape[1] + 1)
    axes.axhline(1 / shares.shape[1], color=REFERENCE.light, linewidth=2.4, alpha=0.6)
    for c, share in enumerate(shares):
        axes.stairs(share, edges, color=cluster_colour(c).light, linewidth=1.0, baseline=None)
    axes.set_ylim(0, max(2.2 / shares.shape[1], 1.05 * float(shares.max())))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 1], ["lowest", "highest"], color=MUTED.light)
