"""Blocked Gibbs as a reference, if it qualifies: MCMC independent of NUTS, out of the families themselves.

Every round goes on where the last ended, takes twice as many sweeps for the same number of kept draws, and
passes the gate (`_gate`) or becomes the next round's warm-up. It gives no log evidence.
"""

import numpy as np

from experiments.records import Problem, Reference
from experiments.references._gate import examine_chains, in_words
from experiments.references.request import Request
from hand_cavi.gibbs.sampler import GibbsRun, gibbs
from ppl_baselines.draws import to_datatree

GIVES = ("draws",)
CALLED = "the long Gibbs run"

CHAINS = 4
DRAWS = 1000
"""Draws kept of each chain, whatever the round."""

TUNE = 500
MAX_ROUNDS = 6
"""The last round takes 2^5 = 32 sweeps to a kept draw; together they are 63,500 sweeps a chain."""

MAX_ALLOCATIONS = 4e9
"""How often a point may be weighed against a component, all together: about three minutes on one core."""


def applies(problem: Problem) -> str | None:
    """Return None if Gibbs sampling is feasible, else why not."""
    weight = problem.sample_weight
    if weight is not None and np.any(weight != np.floor(weight)):
        return "Gibbs sampling needs weights that are whole numbers"
    if (TUNE + DRAWS) * _per_sweep(problem) > MAX_ALLOCATIONS:
        return (
            f"{len(problem.x)} rows and {problem.mixture.n_components} components are too many for "
            f"{CHAINS} chains of {DRAWS} Gibbs draws"
        )
    return None


def compute(problem: Problem, request: Request) -> Reference:
    """Return the study's draws if they qualify, else its own, or say what kept the longest run from it."""
    if request.gibbs_draws is not None:
        quality, faults = examine_chains(problem, request.gibbs_draws)
        if not faults:
            reason = f"the study's Gibbs draws qualified: {in_words(quality)}"
            return Reference("gibbs", True, reason, draws=request.gibbs_draws, quality=quality)
    if infeasible := applies(problem):
        return Reference("gibbs", False, infeasible)
    run: GibbsRun | None = None
    quality, faults, sweeps = {}, [], 0
    for number in range(MAX_ROUNDS):
        thin, tune = 2**number, 0 if run else TUNE
        if run and (sweeps + DRAWS * thin) * _per_sweep(problem) > MAX_ALLOCATIONS:
            break
        run = gibbs(
            problem.mixture,
            problem.x,
            rng=request.rng,
            chains=CHAINS,
            draws=DRAWS,
            tune=tune,
            sample_weight=problem.sample_weight,
            starts=run,
            thin=thin,
            keep_assignments=False,
        )
        sweeps += tune + DRAWS * thin
        tree = to_datatree(run.draws, sample_stats={"lp": run.log_joint})
        quality, faults = examine_chains(problem, tree)
        quality |= {"sweeps": sweeps, "thin": thin}
        if not faults:
            reason = f"Gibbs qualified after {sweeps} sweeps: {in_words(quality)}"
            return Reference("gibbs", True, reason, draws=tree, quality=quality)
    reason = f"Gibbs does not qualify after {sweeps} sweeps: {'; '.join(faults)}"
    return Reference("gibbs", False, reason, quality=quality)


def _per_sweep(problem: Problem) -> int:
    return CHAINS * problem.mixture.n_components * len(problem.x)
