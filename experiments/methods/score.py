"""Every approximation on one scale: draws of q, each with log p(x, theta), log q and log q_sym.

All methods are scored by the target's log p(x, theta), whatever is discrete summed out: see
docs/how-it-judges.md, "Bounds on one scale".
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments.methods._contract import checked_density, checked_draws
from experiments.posterior.symmetrised import EXACT
from experiments.records.target import Approximation, Target

if TYPE_CHECKING:
    import xarray as xr


def score(
    target: Target,
    q: Approximation,
    *,
    rng: np.random.Generator,
    n: int,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> "xr.DataTree":
    """Draw n times from q and evaluate the draws; if `shapes` of the variables are given, look at them too.

    Returns
    -------
    xarray.DataTree
        Group ``posterior``: draws by the names of the target's variables, one chain of independent draws.
        Group ``sample_stats``: ``log_joint``, ``log_q`` and, where relabelling leaves the target as it is,
        ``log_q_symmetrised``, in nats. Its attribute ``symmetrised`` says what F(q_sym) is by the last:
        ``exact``, ``at least`` or ``about``; where it is not exact, there is ``symmetrised_slack`` besides
        (see `experiments.posterior.symmetrised`).
    """
    draws = q.sample(rng, n)
    if shapes is not None:
        draws = checked_draws(draws, shapes, n)
    columns = {"log_joint": target.log_joint(draws), "log_q": checked_density(q.log_density(draws), n)}
    symmetrised = target.symmetrise(q, draws)
    if symmetrised is not None:
        columns["log_q_symmetrised"] = symmetrised.log_q
        if symmetrised.how != EXACT:
            columns["symmetrised_slack"] = symmetrised.slack
    tree = target.as_tree(
        {name: values[np.newaxis] for name, values in draws.items()},
        sample_stats={name: values[np.newaxis] for name, values in columns.items()},
    )
    if symmetrised is not None:
        tree["sample_stats"].attrs["symmetrised"] = symmetrised.how
    return tree
