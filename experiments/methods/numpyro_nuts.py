"""The no-U-turn sampler in NumPyro: a second language, which shares no code of the model with PyMC."""

from time import perf_counter
from typing import TYPE_CHECKING

from pydantic import Field

from experiments.config.options import Options
from experiments.methods.compiled_models import compiled_with_jax
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.records.problem import Draws
from experiments.records.result import Fitted, Told

if TYPE_CHECKING:
    import xarray as xr

EXACT = True
LIBRARIES = ("jax", "numpyro")
EXTRA = "numpyro"


class Settings(Options):
    """Options of NumPyro's NUTS."""

    chains: int = Field(4, ge=1, description="chains, each with a start of its own")
    draws: int = Field(1000, ge=1, description="draws kept of each chain")
    tune: int = Field(1000, ge=1, description="draws of each chain before that")
    target_accept: float = Field(0.8, gt=0, lt=1, description="mean acceptance probability that is tuned to")


def fit(target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int) -> Fitted:
    """Sample the posterior."""
    from ppl_baselines.numpyro import nuts

    of_compiled = settings.model_dump(exclude={"chains"})
    compiled = compiled_with_jax(nuts.prepare, target, **of_compiled)
    given = starts.parameters(settings.chains)
    began = ended = perf_counter()

    def gather(chains: Draws, **more: Draws) -> "xr.DataTree":
        nonlocal ended
        ended = perf_counter()  # what is found from the draws is not the sampler's time
        return target.as_tree(chains, **more)

    draws = nuts.run(compiled.prepared, given, seed=seed, chains=settings.chains, gather=gather)
    divergences = int(draws["sample_stats"]["diverging"].sum())
    return Fitted(
        outcome="sampled",
        message=f"{settings.chains} chains of {settings.draws} draws, {divergences} divergences",
        seconds_compile=compiled.seconds,
        seconds_run=ended - began,
        chains=draws,
        told=Told(
            sampler=nuts.SAMPLER, language="numpyro", cache_warm=compiled.cache_warm, reused=compiled.reused
        ),
        info={"backend": "jax", "divergences": divergences, "tune": settings.tune},
    )
