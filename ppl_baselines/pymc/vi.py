"""ADVI with restarts, chosen by a fresh bound, on a compiled log density.

maximise over q:  F(q) = E_q[log p(x, theta) - log q(theta)],    q Gaussian in unconstrained coordinates

`pm.fit` starts every component of a mixture at the same point, which is a saddle, and reports noisy one-draw
losses. Here every restart has a start of its own: `ppl_baselines.restarts` conducts them. The two kinds,
mean-field and full-rank, differ in the parameters of q and in nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppl_baselines import restarts
from ppl_baselines.pymc.log_density import LogDensity
from ppl_baselines.pymc.vi_steps import Kind, Search
from ppl_baselines.vi_result import AdviResult


def run(
    log_density: LogDensity,
    starts: Sequence[Mapping[str, np.ndarray]],
    *,
    kind: Kind,
    seed: int,
    **options: Any,
) -> AdviResult:
    """Fit from every start, and return the best.

    Parameters
    ----------
    log_density : LogDensity
        The model's.
    starts : sequence of mapping
        Canonical values, such as ``{"mu": (K, D)}``; one restart each.
    kind : {"mean_field", "full_rank"}
    seed : int
    **options
        Of `ppl_baselines.restarts.run`.

    Raises
    ------
    UnavailableError
        If the kind is unknown.
    ValueError
        If there is no start, or one does not fit the model.
    """
    return restarts.run(Search(log_density.loaded(), kind), starts, seed=seed, **options)
