"""Sequential Monte Carlo by PyMC: log p(x), and draws, from runs that begin at the prior.

It shares neither the code nor the idea of bridge and importance sampling. Its draws are particles, resampled
and moved, and depend on each other, so every run counts as a chain, and they have to pass the gate (`_gate`)
before they stand for the posterior; log p(x), whose error is the spread of the runs, does not need them to.
"""

import numpy as np

from experiments.methods.compiled_models import compiled_for
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.prior_draws import prior_draws
from experiments.records import Estimate, Problem, Reference
from experiments.references._gate import examine_chains
from experiments.references.request import Request

GIVES = ("evidence", "draws")
CALLED = "the SMC runs"

RUNS = 8
PARTICLES = 2_000

QUALIFIES = 0.25
"""Nats of standard error up to which the estimate is leant on: a convention of this project."""

MAX_SIZE = 20_000
"""Points times components: particles are weighed one at a time, 100,000 times and more in each run."""


def applies(problem: Problem) -> str | None:
    """Return None if SMC is feasible, else why not."""
    n_points, n_components = len(problem.x), problem.mixture.n_components
    if n_points * n_components > MAX_SIZE:
        return (
            f"{n_points:,} rows and {n_components} components take too long for SMC; rows times "
            f"components are at most {MAX_SIZE:,}"
        )
    return None


def compute(problem: Problem, request: Request) -> Reference:
    """Return log p(x) with its standard error, and the particles if they pass the gate.

    ``quality`` (the estimate's too) holds ``runs``, ``particles``, ``spread`` (the sd of log p(x) over runs,
    nats), ``degrees_of_freedom``, ``stages`` (most) and ``acceptance`` (least).
    """
    if infeasible := applies(problem):
        return Reference("smc", False, infeasible)
    from ppl_baselines.pymc import smc  # slow to import

    rng = request.rng
    prepared = compiled_for(smc.prepare, MixtureTarget(problem), kernel="imh", backend="numba").prepared
    particles = prior_draws(problem.mixture, problem.x.shape[1], rng, RUNS, PARTICLES)
    try:
        sampled = smc.run(prepared, particles, seed=int(rng.integers(2**32)))
    except smc.StuckError as error:
        return Reference("smc", False, str(error))
    value, standard_error = smc.evidence(sampled.log_evidence)
    quality: dict[str, object] = {
        "runs": RUNS,
        "particles": PARTICLES,
        "spread": float(np.std(sampled.log_evidence, ddof=1)),
        "degrees_of_freedom": RUNS - 1,
        "stages": int(sampled.stages.max()),
        "acceptance": float(sampled.acceptance.min()),
    }
    estimate = Estimate(value, standard_error, "smc", quality)
    if not standard_error <= QUALIFIES:
        size = f"{standard_error:.3g} nats, not at most {QUALIFIES}"
        reason = f"SMC does not qualify: its standard error is {size}"
        return Reference("smc", False, reason, log_evidence=estimate, quality=quality)
    figures, faults = examine_chains(problem, sampled.draws)
    gave = f"gave log p(x) to {standard_error:.2g} nats by their spread"
    reason = f"{RUNS} runs of {PARTICLES:,} particles {gave}"
    if faults:
        reason += f"; the particles are not leant on for moments: {'; '.join(faults)}"
    return Reference(
        method="smc",
        qualified=True,
        reason=reason,
        draws=None if faults else sampled.draws,
        log_evidence=estimate,
        quality=figures | quality,
    )
