"""Blocked Gibbs sampling out of the hand-derived families: MCMC that shares no code with PyMC's."""

from pydantic import Field

from experiments.config.options import Options
from experiments.methods.starts import Starts
from experiments.posterior.draws import chains_as_tree
from experiments.records import MethodResult, Problem
from hand_cavi.gibbs.sampler import gibbs


class Settings(Options):
    """Options of Gibbs sampling."""

    chains: int = Field(4, ge=1, description="chains, each with a start of its own")
    draws: int = Field(1000, ge=1, description="draws kept of each chain")
    tune: int = Field(500, ge=0, description="sweeps of each chain before that")
    thin: int = Field(1, ge=1, description="sweeps to a kept draw")
    permute: bool = Field(
        False, description="renumber the components at random in every sweep (exchangeable weights only)"
    )


def run(problem: Problem, settings: Settings, *, starts: Starts, seed: int) -> MethodResult:
    """Sample the posterior."""
    given = starts.responsibilities(settings.chains)
    sampled = gibbs(
        problem.mixture,
        problem.x,
        rng=seed,
        chains=settings.chains,
        draws=settings.draws,
        tune=settings.tune,
        sample_weight=problem.sample_weight,
        starts=given,
        thin=settings.thin,
        permute=settings.permute,
        keep_assignments=False,
    )
    return MethodResult(
        outcome="sampled",
        message=f"{settings.chains} chains of {settings.draws} draws",
        seconds_compile=0.0,
        seconds_run=sampled.seconds,
        draws=chains_as_tree(sampled.draws, log_posterior=sampled.log_joint),
        info={
            "sampler": "blocked Gibbs",
            "sweeps": settings.tune + settings.draws * settings.thin,
            "permute": settings.permute,
        },
    )
