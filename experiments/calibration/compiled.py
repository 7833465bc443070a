"""ADVI on one replicate after another: what `methods.compiled` keeps, run without the study's scoring.

Compiling takes 10 to 30 times as long as fitting 50 points.
"""

from typing import TYPE_CHECKING, Any, Literal

from experiments.methods import NotFiniteError
from experiments.methods.compiled import advi_for
from experiments.methods.starts import Starts
from experiments.records import Problem

if TYPE_CHECKING:
    from ppl_baselines.gaussian import GaussianApproximation


def run_advi(
    problem: Problem, settings: Any, kind: Literal["mean_field", "full_rank"], starts: Starts, seed: int
) -> "GaussianApproximation":
    """Fit by ADVI.

    Raises
    ------
    NotFiniteError
        If no restart stayed finite.
    """
    from ppl_baselines import advi

    rate = settings.learning_rate
    prepared = advi_for(problem, kind=kind, learning_rate=rate, backend=settings.backend).prepared
    result = advi.run(
        prepared,
        starts.parameters(settings.starts),
        seed=seed,
        steps=settings.steps,
        screen_steps=settings.screen_steps,
        keep=settings.keep,
        final_learning_rate=settings.final_learning_rate,
        tolerance=settings.tolerance,
        checkpoints=1,
        draws=200,
        final_draws=1,
    )
    if result.approximation is None:
        raise NotFiniteError(result.status.message)
    return result.approximation
