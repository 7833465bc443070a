"""The no-U-turn sampler in PyMC, by a named sampler; the study's MCMC."""

from time import perf_counter
from typing import Literal

from pydantic import Field

from experiments.compiled import nuts_for
from experiments.config.options import Options
from experiments.records import MethodResult, Problem
from experiments.starts import Starts


class Settings(Options):
    """Options of NUTS."""

    sampler: Literal["nutpie", "pymc", "numpyro", "blackjax"] = Field("nutpie", description="which NUTS")
    chains: int = Field(4, ge=1, description="chains, each with a start of its own")
    draws: int = Field(1000, ge=1, description="draws kept of each chain")
    tune: int = Field(1000, ge=1, description="draws of each chain before that")
    backend: Literal["numba", "c", "jax"] = Field("numba", description="what compiles the model")


def run(problem: Problem, settings: Settings, *, starts: Starts, seed: int) -> MethodResult:
    """Sample the posterior."""
    from ppl_baselines import nuts
    from ppl_baselines.compilation import CacheWatch

    began = perf_counter()
    with CacheWatch() as cache:
        compiled = nuts_for(problem, sampler=settings.sampler, backend=settings.backend)
    prepared_at = perf_counter()
    draws = nuts.run(
        compiled.prepared,
        starts.parameters(settings.chains),
        seed=seed,
        chains=settings.chains,
        draws=settings.draws,
        tune=settings.tune,
        cores=1,
    )
    divergences = int(draws["sample_stats"]["diverging"].sum())
    return MethodResult(
        outcome="sampled",
        message=f"{settings.chains} chains of {settings.draws} draws, {divergences} divergences",
        seconds_compile=prepared_at - began,
        seconds_run=perf_counter() - prepared_at,
        draws=draws,
        info={
            "sampler": settings.sampler,
            "backend": settings.backend,
            "cache_warm": cache.warm,
            "reused": compiled.reused,
            "divergences": divergences,
        },
    )
