"""The picture of a single CAVI fit, as fits its family: what `elbowroom fit --plot` draws."""

import numpy as np
from matplotlib.figure import Figure

from experiments.datasets import Dataset
from experiments.posterior.draws import permuted
from experiments.report.densities import has_clusters, has_ellipses, need_picture
from experiments.report.figures.bars import components_figure
from experiments.report.figures.clusters import clusters_figure
from experiments.report.figures.ellipses import Clusters, evenly, pairs_figure, scatter_figure
from hand_cavi import Fit

_DRAWS = 2000


def fit_figure(fit: Fit, data: Dataset, order: np.ndarray) -> Figure:
    """Draw data and fitted components, which are numbered in the order given, shape (K,).

    Raises
    ------
    InputError
        If there is no picture of this family.
    """
    mixture, x, names = fit.mixture, data.x, list(data.features)
    weight = data.sample_weight
    need_picture(mixture)
    draws = permuted(fit.sample(0, _DRAWS), order)
    if has_clusters(mixture):
        shares = fit.responsibilities(x)[:, order]
        return clusters_figure(mixture, draws, x[:, 0], shares, data.unit, sample_weight=weight)
    if has_ellipses(mixture):
        some = evenly(x)
        clusters = Clusters.of(mixture, draws, some)
        if x.shape[1] == 2:
            title = f"CAVI, {mixture.n_components} components"
            return scatter_figure(some, [(title, clusters)], names, data.unit)
        return pairs_figure(some, clusters, names)
    return components_figure(mixture, draws, x, names, data.categories, weight)
