"""Laplace's approximation: a Gaussian at the mode of PyMC's log density in unconstrained coordinates."""

from time import perf_counter
from typing import Literal

from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.compiled_models import compiled_for
from experiments.methods.mixture_target import MixtureTarget
from experiments.posterior.symmetrised import log_factorial
from experiments.records.result import Fitted, Told
from experiments.records.target import StartingPoints, Target
from hand_cavi import InputError


class Settings(Options):
    """Options of Laplace's approximation."""

    starts: int = Field(20, ge=1, description="dispersed starts; the mode of the most mass wins")
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored")
    backend: Literal["numba", "c", "jax"] = Field("numba", description="what compiles the model")


def fit(target: Target, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Find the mode from the problem's dispersed starts, and the curvature there.

    Raises
    ------
    InputError
        If the curvature is not positive definite wherever a start ends.
    """
    from ppl_baselines import laplace
    from ppl_baselines.pymc.log_density import compile_log_density

    compiled = compiled_for(compile_log_density, target, backend=settings.backend)
    given = starts.parameters(settings.starts)
    began = perf_counter()
    found = laplace.run(compiled.prepared.loaded(), given)
    seconds = perf_counter() - began
    if not (found.heights > -float("inf")).any():
        raise NotFiniteError("log p(x, theta) or its gradient is not finite at any start")
    if found.approximation is None:
        raise InputError(
            "Laplace's approximation refused: the log density curves upwards where the starts end (the least "
            f"eigenvalue of -H is {found.least_curvature:.3g}), so that no Gaussian fits there; use another "
            "method, or a tighter prior"
        )
    log_evidence = found.log_evidence + log_numberings(target)
    at_best = int((found.heights >= found.heights.max() - 1e-6 * max(1.0, abs(found.heights.max()))).sum())
    return Fitted(
        outcome="converged" if found.settled else "max_steps",
        message=(
            f"{'a mode' if found.settled else 'no mode yet'}; {at_best} of {settings.starts} starts ended at "
            f"the highest; log p(x) is about {log_evidence:.3f} by it{_of_labels(target)}"
        ),
        seconds_compile=compiled.seconds,
        seconds_run=seconds,
        q=found.approximation,
        told=Told(
            cache_warm=compiled.cache_warm,
            reused=compiled.reused,
            starts=settings.starts,
            starts_at_best=at_best,
        ),
        info={
            "backend": settings.backend,
            "log_evidence": log_evidence,
            "log_evidence_of_the_mode": found.log_evidence,
            "ends_that_are_no_modes": found.flat,
        },
    )


def log_numberings(target: Target) -> float:
    """Return ln of the number of modes that differ by the numbering of components alone: ln K!, or 0."""
    if isinstance(target, MixtureTarget) and target.problem.mixture.weights.exchangeable:
        return log_factorial(target.problem.mixture.n_components)
    return 0.0


def _of_labels(target: Target) -> str:
    return f", ln K! = {labels:.3f} included" if (labels := log_numberings(target)) else ""
