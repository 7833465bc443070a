"""NUTS as a reference, if it qualifies, and running for longer until it does.

If the study's draws do not pass the gate (`_gate`), or there are none, NUTS runs anew with twice as many
draws, and again, until it passes or the budget would not take another run. Each run is judged as a whole; no
chain is ever left out. It gives no log evidence.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter

import numpy as np
import xarray as xr

from experiments.methods.compiled_models import compiled_for
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.posterior.draws import as_chains, location
from experiments.records import Problem, Reference
from experiments.references._gate import STATED, Figures, examine_chains, in_words
from experiments.references.request import Request

GIVES = ("draws",)
CALLED = "the long NUTS run"

CHAINS = 4
FIRST_DRAWS = 2_000
"""Of each chain, where the study has no draws; else twice what it has."""

MAX_DRAWS = 64_000
"""Of each chain: more would fill the memory, and no sampler that needs them is to be trusted."""


def compute(problem: Problem, request: Request) -> Reference:
    """Return NUTS draws as a reference, or say what keeps them from being one.

    Of the request's ``budget``, compiling included, the first run is begun in any case, a later one only if
    it can be expected to end in time. ``quality`` holds the gate's figures of the last run; and, if NUTS ran
    for longer, ``longer_runs`` (how many), ``seconds`` and ``budget``.
    """
    draws, budget = request.nuts_draws, request.budget
    if draws is None and not budget:
        return Reference("nuts", False, "NUTS was not run, or gave no draws")
    found = None if draws is None else reference_of(draws, *examine(problem, draws))
    if found is None or (not found.qualified and budget):
        first = FIRST_DRAWS if draws is None else 2 * location(as_chains(draws)).shape[1]
        found = _continued(problem, request.rng, first, budget)
    return found


def examine(problem: Problem, tree: xr.DataTree) -> tuple[Figures, list[str]]:
    """Return the figures that the gate looks at, the sampler's statistics included, and what is wrong."""
    return examine_chains(problem, tree, as_chains(tree, "sample_stats"), STATED)


def reference_of(draws: xr.DataTree, figures: Mapping[str, object], faults: list[str]) -> Reference:
    """Return NUTS draws as a reference, by what the gate found of them, whatever the model."""
    if faults:
        return Reference("nuts", False, f"NUTS does not qualify: {'; '.join(faults)}", quality=figures)
    reason = f"NUTS qualified: {in_words(figures)}, no divergences, smallest E-FMI {figures['e_fmi']:.2f}"
    return Reference("nuts", True, reason, draws=draws, quality=figures, called=CALLED)


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
        draws = sample(n_draws)
        found = reference_of(draws, *examine(problem, draws))
        runs += 1
        ended = perf_counter()
        quality = {**found.quality, "longer_runs": runs, "seconds": ended - began, "budget": budget}
        if found.qualified:
            return replace(found, quality=quality)
        expected = ended - began + 2 * (ended - run_began)
        if expected > budget or 2 * n_draws > MAX_DRAWS:
            spent = f"{runs} longer run{'s' if runs > 1 else ''}, the last of {n_draws:,} draws a chain"
            limit = "the budget" if expected > budget else "the most that is tried"
            reason = f"{found.reason}; that is after {spent}, {ended - began:.0f} seconds and {limit}"
            return Reference("nuts", False, reason, quality=quality)
        n_draws *= 2


def _sampler(problem: Problem, rng: np.random.Generator) -> Callable[[int], xr.DataTree]:
    """Compile NUTS for a problem, and return what samples n draws a chain; every call is another run."""
    from ppl_baselines.pymc import nuts
    from ppl_baselines.pymc.log_density import compile_log_density

    log_density = compiled_for(compile_log_density, MixtureTarget(problem), backend="numba").prepared
    starts = Starts(problem, int(rng.integers(2**32))).parameters(CHAINS)

    def sample(n_draws: int) -> xr.DataTree:
        seed, tune = int(rng.integers(2**32)), max(1_000, n_draws // 4)
        return nuts.run(log_density, starts, seed=seed, chains=CHAINS, draws=n_draws, tune=tune)

    return sample
