"""The no-U-turn sampler in PyMC, by a named sampler; the study's MCMC.

With ``warm_start = "cavi"`` every chain starts at a draw of its own from CAVI's q, see docs/how-it-judges.md,
"NUTS that CAVI has warmed": such a run never stands as a reference, and is named apart from the cold one.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods.compiled_models import compiled_for
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.records.problem import Draws, Problem
from experiments.records.result import Fitted, Told
from experiments.records.target import StartingPoints, Target
from hand_cavi import fit as fit_mixture

if TYPE_CHECKING:
    import xarray as xr

    from ppl_baselines.unconstrained import Coordinates

EXACT = True

TUNE, TUNE_WARM = 1000, 250
STARTS_OF_CAVI = 20
_DRAWS_FOR_VARIANCES = 2000


class ColdSettings(Options):
    """Options of NUTS from dispersed starts."""

    sampler: Literal["nutpie", "pymc"] = Field("nutpie", description="which NUTS")
    chains: int = Field(4, ge=1, description="chains, each with a start of its own")
    draws: int = Field(1000, ge=1, description="draws kept of each chain")
    tune: int | None = Field(
        None,
        ge=1,
        description=f"draws of each chain before that; default {TUNE}, after a warm start {TUNE_WARM}",
    )
    backend: Literal["numba", "c", "jax"] = Field("numba", description="what compiles the model")

    @property
    def tuning(self) -> int:
        """Draws of each chain before those that are kept."""
        warmed = isinstance(self, Settings) and self.warm_start == "cavi"
        return self.tune or (TUNE_WARM if warmed else TUNE)


class Settings(ColdSettings):
    """Options of NUTS."""

    warm_start: Literal["none", "cavi"] = Field(
        "none",
        description=(
            "cavi starts the chains at draws from CAVI's posterior, whose time counts; the method then needs "
            'a name of its own, such as "nuts_warm"'
        ),
    )


def fit(target: Target, settings: ColdSettings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Sample the posterior; only a mixture can be warmed."""
    from ppl_baselines.pymc import nuts
    from ppl_baselines.pymc.log_density import compile_log_density

    nuts.require_sampler(settings.sampler)
    compiled = compiled_for(compile_log_density, target, backend=settings.backend)
    began = ended = perf_counter()
    warm = None
    if isinstance(settings, Settings) and settings.warm_start == "cavi":
        assert isinstance(target, MixtureTarget) and isinstance(starts, Starts)
        warm = warm_start(target.problem, compiled.prepared.coordinates, settings, starts, seed)

    def gather(chains: Draws, **more: Draws) -> "xr.DataTree":
        nonlocal ended
        ended = perf_counter()  # what is found from the draws is not the sampler's time
        return target.as_tree(chains, **more)

    draws = nuts.run(
        compiled.prepared,
        warm.starts if warm else starts.parameters(settings.chains),
        seed=seed,
        sampler=settings.sampler,
        chains=settings.chains,
        draws=settings.draws,
        tune=settings.tuning,
        cores=1,
        variances=warm.variances if warm else None,
        gather=gather,
    )
    divergences = int(draws["sample_stats"]["diverging"].sum())
    message = f"{settings.chains} chains of {settings.draws} draws, {divergences} divergences"
    return Fitted(
        outcome="sampled",
        message=f"{message}; {warm.sentence}" if warm else message,
        seconds_compile=compiled.seconds,
        seconds_run=ended - began,
        chains=draws,
        told=Told(
            sampler=settings.sampler,
            language="pymc",
            warm_start="cavi" if warm else "",
            cache_warm=compiled.cache_warm,
            reused=compiled.reused,
        ),
        info={
            "backend": settings.backend,
            "divergences": divergences,
            "tune": settings.tuning,
            **(warm.info if warm else {}),
        },
    )


@dataclass(frozen=True)
class Warm:
    """Where chains start that CAVI has warmed: at a draw from q for each, arrays (K, ...).

    The variances are q's in unconstrained coordinates, shape (P,), or None where the sampler cannot be told.
    CAVI's seconds include the drawing.
    """

    starts: list[Draws]
    variances: np.ndarray | None
    seconds: float

    @property
    def sentence(self) -> str:
        """What a reader is to know of it."""
        scales = "" if self.variances is None else " and scales"
        return (
            f"starts{scales} from CAVI's posterior ({self.seconds:.2g} s, counted), all in one mode, so that "
            "agreeing chains do not show that there is no other"
        )

    @property
    def info(self) -> dict[str, object]:
        """The same for the record."""
        return {
            "seconds_cavi": self.seconds,
            "mass_matrix": "the sampler's own" if self.variances is None else "CAVI's variances",
        }


def warm_start(
    problem: Problem, coordinates: "Coordinates", settings: Settings, starts: Starts, seed: int
) -> Warm:
    """Fit by CAVI, and draw each chain's start from q."""
    from ppl_baselines.pymc.nuts import takes_variances

    began = perf_counter()
    q = fit_mixture(
        problem.mixture,
        problem.x,
        rng=seed,
        starts=starts.responsibilities(STARTS_OF_CAVI),
        sample_weight=problem.sample_weight,
    )
    rng = np.random.default_rng(seed)
    draws = q.sample(rng, settings.chains)
    variances = None
    if takes_variances(settings.sampler):
        variances = coordinates.unconstrain(q.sample(rng, _DRAWS_FOR_VARIANCES)).var(axis=0)
    of_chains = [{name: values[chain] for name, values in draws.items()} for chain in range(settings.chains)]
    return Warm(of_chains, variances, perf_counter() - began)
