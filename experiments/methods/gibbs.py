"""Blocked Gibbs sampling out of the hand-derived families: MCMC that shares no code with PyMC's."""

from pydantic import Field

from experiments.config.options import Options
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.records.result import Fitted, Told
from hand_cavi.gibbs.sampler import gibbs

EXACT = True
NEEDS_POINTS = True


class Settings(Options):
    """Options of Gibbs sampling."""

    chains: int = Field(4, ge=1, description="chains, each with a start of its own")
    draws: int = Field(1000, ge=1, description="draws kept of each chain")
    tune: int = Field(500, ge=0, description="sweeps of each chain before that")
    thin: int = Field(1, ge=1, description="sweeps to a kept draw")
    permute: bool = Field(
        False, description="renumber the components at random in every sweep (exchangeable weights only)"
    )


def fit(target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int) -> Fitted:
    """Sample the posterior."""
    problem = target.problem
    sampled = gibbs(
        problem.mixture,
        problem.x,
        rng=seed,
        sample_weight=problem.sample_weight,
        starts=starts.responsibilities(settings.chains),
        keep_assignments=False,
        **settings.model_dump(),
    )
    return Fitted(
        outcome="sampled",
        message=f"{settings.chains} chains of {settings.draws} draws",
        seconds_compile=0.0,
        seconds_run=sampled.seconds,
        chains=target.as_tree(sampled.draws, sample_stats={"lp": sampled.log_joint}),
        told=Told(sampler="gibbs", language="hand_cavi"),
        info={
            "sampler": "blocked Gibbs",
            "sweeps": settings.tune + settings.draws * settings.thin,
            "permute": settings.permute,
        },
    )
