"""Multi-path Pathfinder on PyMC's log density: Gaussians from quasi-Newton paths, as one mixture.

What is scored is the mixture q of the paths' Gaussians, like any other q: its density is known. With
``resample = true`` draws of q are resampled by importance, as in the paper; those have no density, and are
scored as a sampler's (`experiments.methods.resampling`).
"""

from functools import partial
from time import perf_counter
from typing import Literal

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.compiled_models import compiled_for
from experiments.methods.resampling import resampled
from experiments.methods.several_parts import mixed, unlike
from experiments.records.result import Fitted, Told
from experiments.records.target import Approximation, StartingPoints, Target

_MOST_PARTS = 6
"""Of the mixture: the density of each is evaluated at all relabellings of every draw."""


class Settings(Options):
    """Options of Pathfinder."""

    starts: int = Field(20, ge=1, description="dispersed starts, a path from each")
    elbo_draws: int = Field(20, ge=2, description="draws by which the points of a path are ranked")
    resample: bool = Field(
        False,
        description="hand in draws of q resampled by their importance; refused if Pareto's k-hat is too high",
    )
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored; or resampled ones")
    backend: Literal["numba", "c", "jax"] = Field("numba", description="what compiles the model")


def fit(target: Target, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Follow a path from each of the problem's dispersed starts, and mix the Gaussians that are best.

    Raises
    ------
    InputError
        If draws are to be resampled, and k-hat refuses it.
    """
    from ppl_baselines import pathfinder
    from ppl_baselines.pymc.log_density import compile_log_density

    compiled = compiled_for(compile_log_density, target, backend=settings.backend)
    given = starts.parameters(settings.starts)
    began = perf_counter()
    paths = pathfinder.run(compiled.prepared.loaded(), given, seed=seed, draws=settings.elbo_draws)
    parts: list[Approximation] = [path.approximation for path in paths if path.approximation is not None]
    if not parts:
        raise NotFiniteError("log p(x, theta) or its gradient is not finite along any path")
    found = mixed(target, unlike(target, parts, seed, _MOST_PARTS), seed)
    handed = resampled(target, found.q, settings.draws, seed) if settings.resample else None
    seconds = perf_counter() - began
    parts_kept = len(found.q.parts)
    message = f"{len(parts)} of {settings.starts} paths led on, {parts_kept} unlike Gaussians make q"
    shared = partial(
        Fitted,
        seconds_compile=compiled.seconds,
        seconds_run=seconds,
        told=Told(
            family="" if handed else "mixture of Gaussians",
            bound_of="" if handed else "theta",
            cache_warm=compiled.cache_warm,
            reused=compiled.reused,
            starts=settings.starts,
        ),
        info={
            "backend": settings.backend,
            "path_elbos": [path.elbo if np.isfinite(path.elbo) else None for path in paths],
            "path_lengths": [path.length for path in paths],
            "shares": found.q.shares.tolist(),
            **(handed.info if handed else {}),
        },
    )
    if handed:
        chains = target.as_tree({name: values[np.newaxis] for name, values in handed.draws.items()})
        return shared(outcome="sampled", message=f"{message}; {handed.sentence}", chains=chains)
    return shared(outcome="converged", message=message, q=found.q, bound=found.bound, bound_se=found.bound_se)
