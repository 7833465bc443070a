"""PyMC's methods on one replicate after another: what `experiments.compiled` keeps, run and stripped.

Compiling takes 10 to 30 times as long as fitting 50 points.
"""

from typing import TYPE_CHECKING, Any, Literal

from experiments.compiled import advi_for, nuts_for
from experiments.draws import as_chains
from experiments.methods import NotFiniteError
from experiments.records import Draws, Problem
from experiments.starts import Starts

if TYPE_CHECKING:
    from ppl_baselines.gaussian import GaussianApproximation


def run_nuts(problem: Problem, settings: Any, starts: Starts, seed: int) -> Draws:
    """Sample the posterior by NUTS; canonical draws, arrays (C, M, K, ...)."""
    from ppl_baselines import nuts

    prepared = nuts_for(problem, sampler=settings.sampler, backend=settings.backend).prepared
    tree = nuts.run(
        prepared,
        starts.parameters(settings.chains),
        seed=seed,
        chains=settings.chains,
        draws=settings.draws,
        tune=settings.tune,
        cores=1,
    )
    return as_chains(tree)


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
