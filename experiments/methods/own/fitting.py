"""The methods of a study of a user's model: coordinate ascent, two ADVIs and NUTS.

All start from the derivation's own random states, and all are scored by the PyMC model's log joint density:

    F(q) = E_q[ln p(x, theta) - ln q(theta)],    theta = the PyMC model's variables

Where the model sums out variables that the derivation keeps, F is never below CAVI's own bound; where it has
them all, the two are the same number. Runs in a worker.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from experiments.checks import from_pymc
from experiments.config.options import Options
from experiments.methods import NotFiniteError, advi, fullrank_advi, nuts
from experiments.methods.own.problem import CustomProblem, load
from experiments.methods.own.variables import Factors, as_tree, factors_of, with_quantities
from experiments.records import MethodResult
from experiments.studies.tasks import NotFinite
from hand_cavi import InputError
from hand_cavi.derivation import AscentStatus, ascend


class CaviSettings(Options):
    """Options of coordinate ascent."""

    starts: int = Field(20, ge=1, description="random states; the best bound wins")
    max_sweeps: int = Field(2000, ge=1, description="sweeps from each start, at most")
    tolerance: float = Field(
        1e-12, ge=0, description="a sweep that gains less, relative to the bound, is quiet"
    )
    patience: int = Field(3, ge=1, description="quiet sweeps in a row that are convergence")
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored")


SETTINGS: dict[str, type[BaseModel]] = {
    "cavi": CaviSettings,
    "advi": advi.Settings,
    "fullrank_advi": fullrank_advi.Settings,
    "nuts": nuts.ColdSettings,
}
"""The kinds of methods, and their options; those of PyMC's are the mixtures' own."""


@dataclass(frozen=True)
class Assignment:
    """One method on one of the user's problems.

    Attributes
    ----------
    name : str
        Such as ``my_model:problem``.
    folder : Path or None
        Where its module is looked for first.
    kind : str
        A key of `SETTINGS`.
    settings : BaseModel
    starts_seed, rng_seed : int
    """

    name: str
    folder: Path | None
    kind: str
    settings: Any
    starts_seed: int
    rng_seed: int


def fit_cell(assignment: Assignment) -> MethodResult | NotFinite:
    """Run the method."""
    problem = load(assignment.name, assignment.folder)
    run = {"cavi": _cavi, "advi": _advi, "fullrank_advi": _advi, "nuts": _nuts}[assignment.kind]
    try:
        result = run(problem, assignment)
        return replace(result, draws=with_quantities(problem, result.draws))
    except NotFiniteError as error:
        return NotFinite(str(error))


def built(problem: CustomProblem) -> Any:
    """Return the user's ``pm.Model``.

    Raises
    ------
    InputError
        If it cannot be built, has no free variables or has discrete ones.
    """
    import pymc as pm

    try:
        model = problem.model()
    except Exception as error:
        raise InputError(f"model() failed: {type(error).__name__}: {error}") from error
    if not isinstance(model, pm.Model):
        raise InputError(f"model() returned an object of type {type(model).__name__}; it must be a pm.Model")
    if not model.free_RVs:
        raise InputError("model() has no free variables: everything in it is observed")
    discrete = [variable.name for variable in model.free_RVs if variable.dtype.startswith(("int", "uint"))]
    if discrete:
        raise InputError(
            f"model() has the discrete variables {', '.join(discrete)}, which ADVI and NUTS cannot take; "
            "sum them out, and keep them in the derivation"
        )
    return model


def _factors(problem: CustomProblem, model: Any) -> Factors:
    return factors_of(problem, [variable.name for variable in model.free_RVs])


def _starts(factors: Factors, assignment: Assignment, number: int) -> list[dict[str, np.ndarray]]:
    return factors.starts(np.random.default_rng(assignment.starts_seed), number)


def _cavi(problem: CustomProblem, assignment: Assignment) -> MethodResult:
    settings: CaviSettings = assignment.settings
    model = built(problem)
    log_joint, factors = from_pymc(model), _factors(problem, model)
    began = perf_counter()
    ascent = ascend(
        problem.derivation,
        assignment.starts_seed,
        starts=settings.starts,
        max_sweeps=settings.max_sweeps,
        tolerance=settings.tolerance,
        patience=settings.patience,
    )
    seconds = perf_counter() - began
    if ascent.status is AscentStatus.NOT_FINITE:
        raise NotFiniteError(ascent.status.value)
    draws, log_q = factors.sample(ascent.state, np.random.default_rng(assignment.rng_seed), settings.draws)
    gains = np.diff(ascent.update_trace.ravel())
    return MethodResult(
        outcome=ascent.status.name.lower(),
        message=ascent.status.value,
        seconds_compile=0.0,
        seconds_run=seconds,
        draws=as_tree(
            {name: values[np.newaxis].astype(float) for name, values in draws.items()},
            sample_stats={"log_joint": log_joint(draws)[np.newaxis], "log_q": log_q[np.newaxis]},
        ),
        bound=ascent.elbo,
        bound_se=0.0,
        info={
            "sweeps": ascent.sweeps,
            "starts": settings.starts,
            "elbo_terms": ascent.elbo_terms,
            "elbo_trace": ascent.elbo_trace.tolist(),
            "smallest_gain": float(gains.min() / max(1.0, abs(ascent.elbo))) if gains.size else None,
            "bound_of": "theta" if factors.nothing_is_summed_out else None,
        },
    )


def _advi(problem: CustomProblem, assignment: Assignment) -> MethodResult:
    from ppl_baselines import advi as ppl
    from ppl_baselines.advi_steps import estimate
    from ppl_baselines.compilation import CacheWatch

    settings: advi.Settings = assignment.settings
    began = perf_counter()
    with CacheWatch() as cache:
        model = built(problem)
        factors = _factors(problem, model)
        prepared = ppl.prepare(
            model,
            kind="mean_field" if assignment.kind == "advi" else "full_rank",
            learning_rate=settings.learning_rate,
            backend=settings.backend,
        )
    seconds_compile = perf_counter() - began
    result = ppl.run(
        prepared,
        _starts(factors, assignment, settings.starts),
        seed=assignment.rng_seed,
        steps=settings.steps,
        screen_steps=settings.screen_steps,
        keep=settings.keep,
        final_learning_rate=settings.final_learning_rate,
        tolerance=settings.tolerance,
    )
    q = result.approximation
    if q is None:
        raise NotFiniteError(result.status.message)
    draws = q.sample(np.random.default_rng(assignment.rng_seed), settings.draws)
    # The same generator again: these are the weights of the same draws.
    log_weights = estimate(prepared, q, np.random.default_rng(assignment.rng_seed), settings.draws)
    log_q = q.log_density(draws)
    return MethodResult(
        outcome=result.status.name.lower(),
        message=result.status.message,
        seconds_compile=seconds_compile,
        seconds_run=result.seconds + result.seconds_estimating,
        draws=as_tree(
            {name: values[np.newaxis] for name, values in draws.items()},
            sample_stats={"log_joint": (log_weights + log_q)[np.newaxis], "log_q": log_q[np.newaxis]},
        ),
        bound=result.elbo,
        bound_se=result.elbo_se,
        info={
            "bound_of": "theta",
            "backend": settings.backend,
            "cache_warm": cache.warm,
            "starts": settings.starts,
            "steps": settings.steps,
            "bound_left": float(result.change) if np.isfinite(result.change) else None,
        },
    )


def _nuts(problem: CustomProblem, assignment: Assignment) -> MethodResult:
    from ppl_baselines import nuts as ppl
    from ppl_baselines.compilation import CacheWatch

    settings: nuts.ColdSettings = assignment.settings
    began = perf_counter()
    with CacheWatch() as cache:
        model = built(problem)
        factors = _factors(problem, model)
        prepared = ppl.prepare(model, sampler=settings.sampler, backend=settings.backend)
    prepared_at = perf_counter()
    draws = ppl.run(
        prepared,
        _starts(factors, assignment, settings.chains),
        seed=assignment.rng_seed,
        chains=settings.chains,
        draws=settings.draws,
        tune=settings.tuning,
        gather=as_tree,
    )
    divergences = int(draws["sample_stats"]["diverging"].sum())
    return MethodResult(
        outcome="sampled",
        message=f"{settings.chains} chains of {settings.draws} draws, {divergences} divergences",
        seconds_compile=prepared_at - began,
        seconds_run=perf_counter() - prepared_at,
        draws=draws,
        info={
            "sampler": settings.sampler,
            "backend": settings.backend,
            "cache_warm": cache.warm,
            "divergences": divergences,
        },
    )
