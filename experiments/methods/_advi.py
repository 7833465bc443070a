"""What methods share that search a q by stochastic gradients: options, and what is told of it."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.compiled_models import Compiled, compiled_for
from experiments.records.result import Fitted, Told
from experiments.records.target import StartingPoints, Target

if TYPE_CHECKING:
    from ppl_baselines.unconstrained import Approximation
    from ppl_baselines.vi_result import AdviResult

_OF_RUN = {"steps", "screen_steps", "keep", "learning_rate", "final_learning_rate", "tolerance"}

BRIEF = {"checkpoints": 1, "draws": 200, "final_draws": 1}
"""Estimates of the bound, and their draws, where only q is wanted."""


class SearchSettings(Options):
    """Options of a search by stochastic gradients."""

    starts: int = Field(20, ge=1, description="dispersed starts; all are screened, the best few go on")
    screen_steps: int = Field(300, ge=1, description="steps of every start before they are ranked")
    keep: int = Field(2, ge=1, description="starts that go on after the screening")
    steps: int = Field(5_000, ge=1, description="steps of each start that goes on")
    learning_rate: float = Field(0.1, gt=0, description="Adam's learning rate at the start")
    final_learning_rate: float = Field(
        0.01, gt=0, description="Adam's learning rate in the second half, over which q is averaged"
    )
    tolerance: float = Field(0.05, gt=0, description="a change of the bound, in nats, that no longer matters")
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored")


class AdviSettings(SearchSettings):
    """Options of ADVI."""

    backend: Literal["numba", "c", "jax"] = Field("numba", description="what compiles the model")


def fit_advi(
    kind: Literal["mean_field", "full_rank"],
    target: Target,
    settings: AdviSettings,
    *,
    starts: StartingPoints,
    seed: int,
    brief: bool = False,
) -> Fitted:
    """Fit by ADVI of this kind, as PyMC does it; briefly, with few and cheap estimates of the bound."""
    from ppl_baselines.pymc import vi
    from ppl_baselines.pymc.log_density import compile_log_density

    compiled = compiled_for(compile_log_density, target, backend=settings.backend)
    given = starts.parameters(settings.starts)
    result = vi.run(compiled.prepared, given, kind=kind, seed=seed, **of_run(settings, brief))
    return as_fitted(result, compiled, kind, settings, language="pymc", backend=settings.backend)


def of_run(settings: SearchSettings, brief: bool) -> dict[str, Any]:
    """Return what `ppl_baselines.restarts.run` is asked for."""
    return settings.model_dump(include=_OF_RUN) | (BRIEF if brief else {})


def as_fitted(
    result: "AdviResult",
    compiled: Compiled,
    kind: str,
    settings: SearchSettings,
    *,
    language: str,
    backend: str,
    coordinates: str = "",
) -> Fitted:
    """Return what was found, and what is told of it.

    `kind` is the kind of q, and `coordinates` are what those are called in which it is searched, if a
    language has its own.

    Raises NotFiniteError if every start failed.
    """
    if result.approximation is None:
        raise NotFiniteError(result.status.message)
    return Fitted(
        outcome=result.status.name.lower(),
        message=result.status.message,
        seconds_compile=compiled.seconds,
        seconds_run=result.seconds + result.seconds_estimating,
        q=result.approximation,
        bound=result.elbo,
        bound_se=result.elbo_se,
        trace=_best_so_far(result),
        told=Told(
            family=_family(result.approximation, kind, coordinates),
            bound_of="theta",
            bound_left=_number(result.change),
            bound_left_se=_number(result.change_se),
            cache_warm=compiled.cache_warm,
            reused=compiled.reused,
            language=language,
            starts=settings.starts,
        ),
        info={
            "backend": backend,
            "steps": settings.steps,
            "seconds_estimating": result.seconds_estimating,
            "restart_elbos": [_number(elbo) for elbo in result.restart_elbos],
        },
    )


def _family(q: "Approximation", kind: str, coordinates: str) -> str:
    """Return what is searched; CAVI's family only where its factors are normal, as all of ADVI's are.

    Languages share a family where their coordinates are the same, as those of means and logarithms are.
    """
    from ppl_baselines.transforms import Identity, Log

    name, transforms = kind.replace("_", " "), [span.transform for span in q.coordinates.spans]
    if all(isinstance(one, Identity) for one in transforms):
        return name
    shared = not coordinates or all(isinstance(one, Identity | Log) for one in transforms)
    return f"Gaussian {name}" if shared else f"Gaussian {name} in {coordinates}"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _best_so_far(result: "AdviResult") -> np.ndarray:
    """Return (seconds, bound, standard error) whenever a checkpoint of any restart was the best yet.

    The last row is the winner's final bound, on draws by which nothing was chosen.
    """
    rows: list[tuple[float, float, float]] = []
    for point in result.trace:
        if not rows or point.elbo > rows[-1][1]:
            rows.append((point.seconds, point.elbo, point.elbo_se))
    return np.array([*rows, (result.seconds, result.elbo, result.elbo_se)])
