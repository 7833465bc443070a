"""CAVI with its covariances corrected by linear response (hand_cavi), as a normal distribution.

N(E_q[g], Cov_LR[g]) with g in free coordinates, see docs/mathematics.md, section 7. That it is normal is an
assumption, and draws of a rate, exp(g), are not CAVI's in the mean. It optimises no bound; `info` has CAVI's.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from experiments.families import weights
from experiments.families.lookup import offered
from experiments.methods.cavi import AscentSettings, ascend, ascend_together
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.records.problem import Problem
from experiments.records.result import Fitted, Told
from hand_cavi import Fit, InputError, Mixture
from hand_cavi.linear_response import LinearResponse, linear_response

if TYPE_CHECKING:
    from ppl_baselines.gaussian import GaussianApproximation
    from ppl_baselines.transforms import Transform


class Settings(AscentSettings):
    """Options of CAVI; the fit is the same."""


def fit(target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int) -> Fitted:
    """Fit by CAVI from the problem's dispersed starts, and correct the covariances.

    Raises
    ------
    InputError
        If linear response is refused, with the reason.
    """
    import ppl_baselines.gaussian  # noqa: F401  (slow to import; not to be timed)

    given = starts.responsibilities(settings.starts)
    began = perf_counter()
    best = ascend(target.problem, settings, given, seed)
    return _corrected(target.problem, best, perf_counter() - began)


def fit_together(
    targets: Sequence[MixtureTarget], settings: Settings, *, starts: Sequence[Starts], seeds: Sequence[int]
) -> list[Fitted | Exception]:
    """Fit the same mixture to data sets of one shape, and correct the covariances of each."""
    began = perf_counter()
    fits = ascend_together(targets, settings, starts, seeds)
    seconds = (perf_counter() - began) / len(fits)
    found: list[Fitted | Exception] = []
    for target, one in zip(targets, fits, strict=True):
        try:
            found.append(one if isinstance(one, Exception) else _corrected(target.problem, one, seconds))
        except (InputError, ArithmeticError, np.linalg.LinAlgError) as error:
            found.append(error)
    return found


def _corrected(problem: Problem, best: Fit, seconds: float) -> Fitted:
    """Correct the covariances of a fit that took so many seconds."""
    ascended = perf_counter()
    response = linear_response(best, problem.x, sample_weight=problem.sample_weight)
    q = normal_approximation(problem.mixture, response)
    correcting = perf_counter() - ascended
    return Fitted(
        outcome="converged",
        message=f"{best.status.value}; linear response widens variances up to "
        f"{1 / (1 - response.radius):.3g}-fold",
        seconds_compile=0.0,
        seconds_run=seconds + correcting,
        q=q,
        told=Told(starts=len(best.starts), starts_at_best=best.starts_at_best),
        info={
            "sweeps": best.sweeps,
            "elbo_of_cavi": best.elbo,
            "spectral_radius": response.radius,
            "seconds_linear_response": correcting,
            "counts": best.counts.tolist(),
        },
    )


def normal_approximation(mixture: Mixture, response: LinearResponse) -> "GaussianApproximation":
    """Return the normal distribution with CAVI's means and linear response's covariance.

    Raises
    ------
    InputError
        If a variance under q is infinite, as a mean's is where its component has hardly any points.
    """
    from ppl_baselines.gaussian import GaussianApproximation
    from ppl_baselines.unconstrained import Coordinates, Span

    joint = response.free_parameters
    if not np.isfinite(joint.covariance).all():
        raise InputError(
            "under CAVI's q the variance of a component's mean is infinite (too few points and too vague a "
            "prior of its precision), so that no normal distribution has it; use fewer components or a "
            "tighter prior"
        )
    transforms = _transforms(mixture)
    spans = tuple(
        Span(name, name, joint.span(name).start, joint.span(name).stop, shape, transforms[name])
        for name, shape in joint.shapes.items()
    )
    return GaussianApproximation(joint.mean, np.linalg.cholesky(joint.covariance), Coordinates(spans))


def _transforms(mixture: Mixture) -> "dict[str, Transform]":
    """Return the maps from the coordinates of `free_moments` to the canonical parameters, by name."""
    from ppl_baselines.transforms import Identity, Log, Simplex

    return {
        "mu": Identity(),
        "precision": Log(),
        "rate": Log(),
        "probability": Simplex(),
        "weights": weights.transform(mixture.weights),
        **(offered(mixture.components.name, "TRANSFORMS") or {}),
    }
