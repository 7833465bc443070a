"""Blocked Gibbs as a reference, if it qualifies: MCMC independent of NUTS, out of the families themselves.

Every round goes on where the last ended, takes twice as many sweeps for the same number of kept draws, and
passes the gate (`_gate`) or becomes the next round's warm-up. It gives no log evidence.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from experiments.records import Draws, Problem, Reference
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
    for one in rounds(problem, request.rng):
        quality = one.quality | {"sweeps": one.sweeps, "thin": one.thin}
        if not one.faults:
            reason = f"Gibbs qualified after {one.sweeps} sweeps: {in_words(quality)}"
            return Reference("gibbs", True, reason, draws=one.tree, quality=quality)
    reason = f"Gibbs does not qualify after {one.sweeps} sweeps: {'; '.join(one.faults)}"
    return Reference("gibbs", False, reason, quality=quality)


@dataclass(frozen=True)
class Round:
    """Chains, all sweeps so far and those to a kept draw, and what the gate says of the draws."""

    tree: xr.DataTree
    draws: Draws
    sweeps: int
    thin: int
    quality: dict[str, object]
    faults: list[str]


def rounds(problem: Problem, rng: np.random.Generator) -> Iterator[Round]:
    """Sample round after round, one at least, until the next would take too long."""
    run: GibbsRun | None = None
    sweeps = 0
    for number in range(MAX_ROUNDS):
        thin, tune = 2**number, 0 if run else TUNE
        if run and (sweeps + DRAWS * thin) * _per_sweep(problem) > MAX_ALLOCATIONS:
            return
        run = gibbs(
            problem.mixture,
            problem.x,
            rng=rng,
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
        yield Round(tree, run.draws, sweeps, thin, *examine_chains(problem, tree))


def _per_sweep(problem: Problem) -> int:
    return CHAINS * problem.mixture.n_components * len(problem.x)
