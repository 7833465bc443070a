"""Deterministic ADVI on PyMC's log density: mean field by fixed draws, optimised to the last digit.

With ``covariance = "linear_response"`` its covariances are corrected; such a q is not the best for F.
"""

from functools import partial
from time import perf_counter
from typing import Literal

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.compiled_models import compiled_for
from experiments.records.result import Fitted, Told
from experiments.records.target import StartingPoints, Target

_FOR_BOUND = 4_000
_FOR_BOUND_BRIEFLY = 100


class Settings(Options):
    """Options of deterministic ADVI."""

    starts: int = Field(20, ge=1, description="dispersed starts; all are screened, the best few go on")
    keep: int = Field(2, ge=1, description="starts that go on after the screening")
    fixed_draws: int = Field(30, ge=2, description="draws that are fixed, at first")
    most_fixed_draws: int = Field(1000, ge=2, description="draws that are fixed, at most")
    tolerance: float = Field(
        0.05, gt=0, description="what fixing the draws may cost, in nats; draws are added until it is so"
    )
    covariance: Literal["mean_field", "linear_response"] = Field(
        "mean_field", description="linear_response widens q to the covariances that mean field leaves out"
    )
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored")
    backend: Literal["numba", "c", "jax"] = Field("numba", description="what compiles the model")


def fit(
    target: Target, settings: Settings, *, starts: StartingPoints, seed: int, brief: bool = False
) -> Fitted:
    """Fit from the problem's dispersed starts; briefly, with a rough estimate of the bound."""
    from ppl_baselines import dadvi
    from ppl_baselines.pymc.log_density import compile_log_density

    compiled = compiled_for(compile_log_density, target, backend=settings.backend)
    given = starts.parameters(settings.starts)
    of_draws, of_bound = (int(one) for one in np.random.SeedSequence(seed).generate_state(2))
    began = perf_counter()
    found = dadvi.run(
        compiled.prepared.loaded(),
        given,
        seed=of_draws,
        n_draws=settings.fixed_draws,
        most_draws=max(settings.fixed_draws, settings.most_fixed_draws),
        tolerance=settings.tolerance,
        keep=settings.keep,
    )
    seconds = perf_counter() - began
    corrected = settings.covariance == "linear_response"
    q = found.linear_response if corrected else found.approximation
    if q is None:
        what = "no start came to a maximum" if found.approximation else "it is not finite at any start"
        raise NotFiniteError(f"the objective of deterministic ADVI: {what}")
    draws = q.sample(np.random.default_rng(of_bound), _FOR_BOUND_BRIEFLY if brief else _FOR_BOUND)
    log_ratio = target.log_joint(draws) - q.log_density(draws)
    bound, error = float(log_ratio.mean()), float(log_ratio.std(ddof=1) / np.sqrt(len(log_ratio)))
    if not np.isfinite(bound):
        raise NotFiniteError("the log joint density is not finite at draws of q")
    return Fitted(
        outcome=found.outcome,
        message=(
            f"{found.n_draws} fixed draws cost about {found.loss:.2g} nats of F, and leave means off by at "
            f"most {found.error_of_means:.2g} sds (one standard error)"
        ),
        seconds_compile=compiled.seconds,
        seconds_run=seconds,
        q=q,
        bound=None if corrected else bound,
        bound_se=None if corrected else error,
        told=Told(
            family="mean field with linear response" if corrected else "mean field",
            bound_of="" if corrected else "theta",
            cache_warm=compiled.cache_warm,
            reused=compiled.reused,
            starts=settings.starts,
        ),
        info={
            "backend": settings.backend,
            "fixed_draws": found.n_draws,
            "loss_by_fixing": found.loss,
            "error_of_means": found.error_of_means,
        },
    )


fit_briefly = partial(fit, brief=True)
