"""Which points belong together, P(c_i = c_j given x), as heat maps: it needs no relabelling."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from experiments.posterior.coclustering import co_clustering, some_points
from experiments.posterior.draws import as_tree
from experiments.records import Draws, Problem
from experiments.relabel import allocation_probabilities
from experiments.report.figures.ellipses import evenly
from experiments.report.figures.picture import WIDE, Picture, new_panels
from experiments.report.stored_draws import thinned
from experiments.report.style.numbers import fixed
from experiments.report.style.palette import CO_CLUSTERING, MUTED
from experiments.report.view import View, numbers_of

MOST_POINTS = 90
"""Points in a map; more are thinned evenly."""

_MOST_DRAWS = 400  # whose Monte-Carlo error is 0.025 at most
_LEVELS = 32  # shades, so that the picture stays small


def picture(view: View) -> Picture | None:
    """Return the picture, or None where there is nothing to tell apart."""
    problem = view.problem
    if not view.with_draws or problem.mixture.n_components < 2 or len(problem.x) < 2:
        return None
    points = some_points(problem)
    points = evenly(points[:, np.newaxis], MOST_POINTS)[:, 0]
    shown: list[tuple[str, Draws]] = [] if view.reference is None else [("reference", view.reference)]
    methods = [pair for pair in view.with_draws if view.reference is None or not pair[0].is_reference]
    shown += [(entry.label, draws) for entry, draws in methods]
    some = Problem(problem.mixture, problem.x[points])
    allocations = allocation_probabilities(some, thinned(shown[0][1], _MOST_DRAWS)).mean(axis=0)
    points = points[np.lexsort((some.x[:, 0], allocations.argmax(axis=1)))]  # by component, then by feature 1
    maps = [
        co_clustering(problem, as_tree(thinned(draws, _MOST_DRAWS)), points=points).matrix
        for _, draws in shown
    ]
    heads = [label for label, _ in shown]
    for i, (entry, _) in enumerate(methods, start=len(shown) - len(methods)):
        found = numbers_of(entry.record, "co_clustering")
        if found is not None and np.isfinite(found[0][0]):
            heads[i] += f" (off by at most {fixed(float(found[0][0]), 2)})"
    first = "the reference" if view.reference is not None else heads[0].partition(" (")[0]
    which = "points" if problem.sample_weight is None else "rows"
    which = which if problem.condensation is None else "nodes that stand for all points"
    number = len(problem.x)
    part = f" {len(points)} of the {number} {which} are shown." if len(points) < number else ""
    off = " In brackets: the largest difference from the reference." if " (off" in "".join(heads) else ""
    return Picture(
        "co-clustering",
        "Which points belong together",
        "Every point against every other: the darker, the more probable it is that both are in the same "
        f"cluster. Points are ordered by {first}'s allocation, the same in all panels, so sharp blocks are "
        "separate clusters and blurred edges are points that could belong to either. Names of components "
        f"play no part.{off}{part}{view.missing_from([entry for entry, _ in view.with_draws])}",
        lambda width: _draw(heads, maps, width),
        "clusters",
    )


def _draw(heads: list[str], maps: list[np.ndarray], width: float) -> Figure:
    columns = min(len(maps), 3 if width >= WIDE or len(maps) > 4 else 2)
    figure, panels = new_panels(len(maps), columns, width, (width - 0.2) / columns + 0.24)
    for axes, head, probability in zip(panels, heads, maps, strict=True):
        shade = np.empty((*probability.shape, 4))
        shade[..., :3] = to_rgb(CO_CLUSTERING.light)
        shade[..., 3] = np.round(probability.clip(0, 1) * _LEVELS) / _LEVELS  # light and dark paper alike
        axes.imshow(shade, interpolation="none", aspect="equal")
        axes.set_title(head, fontsize=8, color=MUTED.light)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(True)
    return figure
