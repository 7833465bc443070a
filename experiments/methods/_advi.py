"""What mean-field and full-rank ADVI share: PyMC's ADVI, prepared and run from dispersed starts."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.compiled_models import compiled_for
from experiments.records.result import Fitted, Told
from experiments.records.target import StartingPoints, Target

if TYPE_CHECKING:
    from ppl_baselines.gaussian import GaussianApproximation
    from ppl_baselines.pymc.vi import AdviResult

_OF_RUN = {"steps", "screen_steps", "keep", "learning_rate", "final_learning_rate", "tolerance"}

_BRIEF = {"checkpoints": 1, "draws": 200, "final_draws": 1}
"""Estimates of the bound, and their draws, where only q is wanted."""


class AdviSettings(Options):
    """Options of ADVI."""

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
    asked = settings.model_dump(include=_OF_RUN) | (_BRIEF if brief else {})
    result = vi.run(compiled.prepared, given, kind=kind, seed=seed, **asked)
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
            family=_family(result.approximation, kind),
            bound_of="theta",
            bound_left=_number(result.change),
            bound_left_se=_number(result.change_se),
            cache_warm=compiled.cache_warm,
            reused=compiled.reused,
            starts=settings.starts,
        ),
        info={
            "backend": settings.backend,
            "steps": settings.steps,
            "seconds_estimating": result.seconds_estimating,
            "restart_elbos": [_number(elbo) for elbo in result.restart_elbos],
        },
    )


def _family(q: "GaussianApproximation", kind: str) -> str:
    """Return what is searched; CAVI's family only where its factors are normal, as all of ADVI's are."""
    from ppl_baselines.transforms import Identity

    name = kind.replace("_", " ")
    alike = all(isinstance(span.transform, Identity) for span in q.coordinates.spans)
    return name if alike else f"Gaussian {name}"


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
