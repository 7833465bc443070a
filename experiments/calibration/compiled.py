"""PyMC's methods, compiled once for a model's shape and given one data set after another.

Compiling takes 10 to 30 times as long as fitting 50 points. The data are a `pm.Data` of the model, so that
what is compiled does not depend on them; the prior's numbers are part of it. A worker keeps the last few
prepared models, and the pool sends it batches of the same kind where it can.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from experiments.draws import as_chains
from experiments.methods import NotFiniteError
from experiments.records import Draws, Problem
from experiments.starts import Starts
from experiments.store.jsonable import dumps

if TYPE_CHECKING:
    import pymc as pm

    from ppl_baselines.gaussian import GaussianApproximation

_MOST_KEPT = 4
_kept: dict[tuple[Any, ...], Any] = {}


def run_nuts(problem: Problem, settings: Any, starts: Starts, seed: int) -> Draws:
    """Sample the posterior by NUTS; canonical draws, arrays (C, M, K, ...)."""
    from ppl_baselines import nuts

    key = ("nuts", settings.sampler, settings.backend, *_structure(problem))
    prepared = _prepared(
        key,
        lambda: nuts.prepare(_model(problem), sampler=settings.sampler, backend=settings.backend),
    )
    if prepared.sampler == "nutpie":
        compiled = prepared.compiled.with_data(x=problem.x, sample_weight=np.ones(len(problem.x)))
        prepared = dataclasses.replace(prepared, compiled=compiled)
    else:
        _give_data(prepared.model, problem)
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

    def prepare() -> Any:
        model = _model(problem)
        rate = settings.learning_rate
        return model, advi.prepare(model, kind=kind, learning_rate=rate, backend=settings.backend)

    key = ("advi", kind, settings.learning_rate, settings.backend, *_structure(problem))
    model, prepared = _prepared(key, prepare)
    _give_data(model, problem)
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


def _prepared(key: tuple[Any, ...], prepare: Callable[[], Any]) -> Any:
    if key not in _kept:
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = prepare()
    return _kept[key]


def _structure(problem: Problem) -> tuple[str, int]:
    """Return all that a compiled model depends on: the mixture with its prior, and D."""
    return dumps(problem.mixture), problem.x.shape[1]


def _model(problem: Problem) -> "pm.Model":
    from ppl_baselines.build import build

    return build(problem.mixture, problem.x)


def _give_data(model: "pm.Model", problem: Problem) -> None:
    import pymc as pm

    from ppl_baselines.build import DATA, SAMPLE_WEIGHT

    pm.set_data({DATA: problem.x, SAMPLE_WEIGHT: np.ones(len(problem.x))}, model=model)
