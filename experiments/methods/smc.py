"""Sequential Monte Carlo in PyMC: particles from the prior to the posterior, and log p(x) on the way."""

from time import perf_counter
from typing import Literal

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.compiled_models import compiled_for
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.prior_draws import prior_draws
from experiments.methods.starts import Starts
from experiments.records.result import Fitted, Told


class Settings(Options):
    """Options of SMC."""

    particles: int = Field(2000, ge=100, description="particles of each run; its draws")
    runs: int = Field(4, ge=4, description="independent runs, one after the other; each counts as a chain")
    kernel: Literal["imh", "mh"] = Field(
        "imh", description="moves: imh proposes from one normal fitted to all particles, mh walks at random"
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="share of effective particles at every stage")
    correlation_threshold: float = Field(
        0.01, gt=0, lt=1, description="moves go on until the correlation with the start falls by less"
    )
    backend: Literal["numba", "c"] = Field("numba", description="what compiles the model")


def fit(target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int) -> Fitted:
    """Sample the posterior; the particles start from the prior, not from the study's starts."""
    from ppl_baselines.pymc import smc

    compiled = compiled_for(smc.prepare, target, kernel=settings.kernel, backend=settings.backend)
    began = perf_counter()
    of_prior, of_run = np.random.SeedSequence(seed).generate_state(2)
    given = prior_draws(
        target.problem.mixture,
        target.problem.x.shape[1],
        np.random.default_rng(of_prior),
        settings.runs,
        settings.particles,
    )
    try:
        sampled = smc.run(
            compiled.prepared,
            given,
            seed=int(of_run),
            threshold=settings.threshold,
            correlation_threshold=settings.correlation_threshold,
        )
    except smc.StuckError as error:
        raise NotFiniteError(str(error)) from error
    log_evidence, standard_error = smc.evidence(sampled.log_evidence)
    return Fitted(
        outcome="sampled",
        message=(
            f"{settings.runs} runs of {settings.particles} particles in {sampled.stages.max()} stages; "
            f"log p(x) = {log_evidence:.3f}, standard error {standard_error:.3f}"
        ),
        seconds_compile=compiled.seconds,
        seconds_run=perf_counter() - began,
        chains=sampled.draws,
        told=Told(sampler="smc", language="pymc", cache_warm=compiled.cache_warm, reused=compiled.reused),
        info={
            "kernel": settings.kernel,
            "backend": settings.backend,
            "log_evidence": log_evidence,
            "log_evidence_se": standard_error,
            "log_evidence_by_run": sampled.log_evidence.tolist(),
            "stages": sampled.stages.tolist(),
            "acceptance": sampled.acceptance.tolist(),
        },
    )
