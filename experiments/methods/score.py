"""Every approximation on one scale: draws of q, each with log p(x, theta), log q and log q_sym.

From these three columns come the collapsed bound F(q) = E_q[log p(x, theta) - log q(theta)], its
symmetrised form, importance weights, and all their standard errors. All methods are scored by the
same log p(x, theta), assignments summed out.
"""

import numpy as np
import xarray as xr

from experiments.posterior.symmetrised import EXACT, symmetrise
from experiments.records import Approximation, Problem
from hand_cavi import log_joint
from ppl_baselines.draws import to_datatree


def score(problem: Problem, q: Approximation, *, rng: np.random.Generator, n: int) -> xr.DataTree:
    """Draw from q and evaluate the draws.

    Parameters
    ----------
    problem : Problem
    q : Approximation
    rng : numpy.random.Generator
    n : int
        Number of draws, S.

    Returns
    -------
    xarray.DataTree
        Group ``posterior``: canonical draws, one chain of independent draws. Group ``sample_stats``:
        ``log_joint``, ``log_q`` and ``log_q_symmetrised``, in nats. Its attribute ``symmetrised`` says
        what F(q_sym) is by the last: ``exact``, ``at least`` or ``about``; where it is not exact, there is
        ``symmetrised_slack`` besides (see `experiments.posterior.symmetrised`).
    """
    draws = q.sample(rng, n)
    symmetrised = symmetrise(q, draws, problem.mixture)
    columns = {
        "log_joint": log_joint(problem.mixture, problem.x, draws, problem.sample_weight),
        "log_q": q.log_density(draws),
        "log_q_symmetrised": symmetrised.log_q,
    }
    if symmetrised.how != EXACT:
        columns["symmetrised_slack"] = symmetrised.slack
    tree = to_datatree(
        {name: values[np.newaxis] for name, values in draws.items()},
        sample_stats={name: values[np.newaxis] for name, values in columns.items()},
    )
    tree["sample_stats"].attrs["symmetrised"] = symmetrised.how
    return tree
