"""NUTS as a reference, if it qualifies, and running for longer until it does.

The gate is every sampler's (`_gate`), and what NUTS says of itself: no divergences, and an E-FMI above 0.2
in every chain (Betancourt 2016). If the study's draws do not pass, or there are none, NUTS runs anew with
twice as many draws, and again, until it passes or the budget would not take another run. Each run is judged
as a whole; no chain is ever left out. It gives no log evidence. No gate can see a mode that every chain has
missed.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from experiments.methods.compiled import nuts_for
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.posterior.draws import as_chains, location
from experiments.records import Problem, Reference
from experiments.references._gate import examine_chains, invariant_quantities

__all__ = ["applies", "compute", "examine", "invariant_quantities"]

MIN_E_FMI = 0.2

CHAINS = 4
FIRST_DRAWS = 2_000
"""Of each chain, where the study has no draws; else twice what it has."""

MAX_DRAWS = 64_000
"""Of each chain: more would fill the memory, and no sampler that needs them is to be trusted."""

Sample = Callable[[int], xr.DataTree]
"""From the number of draws in each chain to the draws."""


def applies(problem: Problem) -> str | None:
    """Return None: NUTS applies to every problem, if its draws qualify."""
    return None


def compute(
    problem: Problem,
    *,
    rng: np.random.Generator,
    nuts_draws: xr.DataTree | None = None,
    n_draws: int = 0,
    budget: float = 0.0,
) -> Reference:
    """Return NUTS draws as a reference, or say what keeps them from being one.

    Parameters
    ----------
    problem : Problem
    rng : numpy.random.Generator
    nuts_draws : xarray.DataTree, optional
        The study's, with their ``sample_stats``.
    n_draws
        Not used.
    budget : float
        Seconds, compiling included, that longer runs may take; 0 for none. The first run is begun in any
        case, a later one only if it can be expected to end in time.

    Returns
    -------
    Reference
        ``quality`` holds the gate's figures of the last run; and, if NUTS ran for longer, ``longer_runs``
        (how many), ``seconds`` and ``budget``.
    """
    if nuts_draws is None and not budget:
        return Reference("nuts", False, "NUTS was not run, or gave no draws")
    found = None if nuts_draws is None else _judged(problem, nuts_draws)
    if found is None or (not found.qualified and budget):
        first = FIRST_DRAWS if nuts_draws is None else 2 * location(as_chains(nuts_draws)).shape[1]
        found = _continued(problem, rng, first, budget)
    return found


def _continued(problem: Problem, rng: np.random.Generator, first: int, budget: float) -> Reference:
    """Run NUTS with more and more draws until it qualifies or the budget is spent."""
    from ppl_baselines.errors import UnavailableError  # imports of PyMC are slow

    began = perf_counter()
    try:
        sample = _sampler(problem, rng)
    except UnavailableError as error:
        return Reference("nuts", False, f"NUTS cannot run: {error}")
    n_draws, runs = min(max(first, 500), MAX_DRAWS), 0
    while True:
        run_began = perf_counter()
        found = _judged(problem, sample(n_draws))
        runs += 1
        ended = perf_counter()
        quality = {**found.quality, "longer_runs": runs, "seconds": ended - began, "budget": budget}
        if found.qualified:
            return Reference("nuts", True, found.reason, draws=found.draws, quality=quality)
        expected = ended - began + 2 * (ended - run_began)
        if expected > budget or 2 * n_draws > MAX_DRAWS:
            spent = f"{runs} longer run{'s' if runs > 1 else ''}, the last of {n_draws:,} draws a chain"
            limit = "the budget" if expected > budget else "the most that is tried"
            reason = f"{found.reason}; that is after {spent}, {ended - began:.0f} seconds and {limit}"
            return Reference("nuts", False, reason, quality=quality)
        n_draws *= 2


def _sampler(problem: Problem, rng: np.random.Generator) -> Sample:
    """Compile NUTS for a problem, and return what samples; every call is another run."""
    from ppl_baselines import nuts

    prepared = nuts_for(MixtureTarget(problem)).prepared
    starts = Starts(problem, int(rng.integers(2**32))).parameters(CHAINS)

    def sample(n_draws: int) -> xr.DataTree:
        seed = int(rng.integers(2**32))
        tune = max(1_000, n_draws // 4)
        return nuts.run(prepared, starts, seed=seed, chains=CHAINS, draws=n_draws, tune=tune)

    return sample


def _judged(problem: Problem, draws: xr.DataTree) -> Reference:
    quality, faults = examine(problem, draws)
    if faults:
        return Reference("nuts", False, f"NUTS does not qualify: {'; '.join(faults)}", quality=quality)
    reason = (
        f"NUTS qualified: largest R-hat {quality['r_hat']:.4f}, smallest effective sample size "
        f"{quality['ess_bulk']:.0f} (bulk) and {quality['ess_tail']:.0f} (tail), no divergences, "
        f"smallest E-FMI {quality['e_fmi']:.2f}"
    )
    return Reference("nuts", True, reason, draws=draws, quality=quality)


def examine(problem: Problem, tree: xr.DataTree) -> tuple[dict[str, Any], list[str]]:
    """Return the figures that the gate looks at, and what is wrong with them.

    Returns
    -------
    quality : dict
        Those of `examine_chains`, and ``divergences`` and ``e_fmi`` (smallest).
    faults : list of str
        Empty if the draws qualify.
    """
    of_the_sampler, own_faults = _examine_sampler(tree)
    quality, faults = examine_chains(problem, tree)
    return quality | of_the_sampler, own_faults + faults


def _examine_sampler(tree: xr.DataTree) -> tuple[dict[str, Any], list[str]]:
    stats = as_chains(tree, "sample_stats")
    quality: dict[str, Any] = {}
    faults = []
    if "diverging" not in stats:
        faults.append("its statistics lack 'diverging'")
    else:
        quality["divergences"] = int(stats["diverging"].sum())
        if quality["divergences"]:
            faults.append(f"{quality['divergences']} transitions diverged")
    if "energy" not in stats:
        faults.append("its statistics lack 'energy'")
    else:
        quality["e_fmi"] = float(np.min(_e_fmi(stats["energy"])))
        if not quality["e_fmi"] > MIN_E_FMI:
            faults.append(f"E-FMI is {quality['e_fmi']:.2f}, not above {MIN_E_FMI}")
    return quality, faults


def _e_fmi(energy: np.ndarray) -> np.ndarray:
    """Return the energy fraction of missing information of every chain, (C, M) to (C,).

    Betancourt (2016): the squared steps of the energy over its squared deviations from the mean.
    """
    steps = np.square(np.diff(energy, axis=1)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return steps / np.square(energy - energy.mean(axis=1, keepdims=True)).sum(axis=1)
