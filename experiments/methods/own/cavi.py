"""Coordinate ascent of a derivation of the user's own.

Its q is scored by F(q) = E_q[ln p(x, theta) - ln q(theta)], theta the PyMC model's variables. Where the model
sums out variables that the derivation keeps, F is never below the derivation's own bound, else equal to it.
"""

from time import perf_counter

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.methods import NotFiniteError
from experiments.methods.own.own_target import OwnTarget
from experiments.records.result import Fitted, Told
from experiments.records.target import StartingPoints
from hand_cavi.derivation import AscentStatus, ascend

NEEDS = "derivation"


class Settings(Options):
    """Options of coordinate ascent."""

    starts: int = Field(20, ge=1, description="random states; the best bound wins")
    max_sweeps: int = Field(2000, ge=1, description="sweeps from each start, at most")
    tolerance: float = Field(
        1e-12, ge=0, description="a sweep that gains less, relative to the bound, is quiet"
    )
    patience: int = Field(3, ge=1, description="quiet sweeps in a row that are convergence")
    draws: int = Field(10_000, ge=100, description="draws from q, by which it is scored")


def fit(target: OwnTarget, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Ascend by the derivation's updates from its own random states."""
    factors, derivation = target.factors, target.problem.derivation
    assert derivation is not None  # else there are no factors
    began = perf_counter()
    ascent = ascend(derivation, starts.seed, **settings.model_dump(exclude={"draws"}))
    seconds = perf_counter() - began
    if ascent.status is AscentStatus.NOT_FINITE:
        raise NotFiniteError(ascent.status.value)
    gains = np.diff(ascent.update_trace.ravel())
    return Fitted(
        outcome=ascent.status.name.lower(),
        message=ascent.status.value,
        seconds_compile=0.0,
        seconds_run=seconds,
        q=factors.at(ascent.state),
        bound=ascent.elbo,
        bound_se=0.0,
        told=Told(
            bound_of="theta" if factors.nothing_is_summed_out else "theta and what is summed out",
            smallest_gain=float(gains.min() / max(1.0, abs(ascent.elbo))) if gains.size else None,
            starts=settings.starts,
        ),
        info={
            "sweeps": ascent.sweeps,
            "elbo_terms": ascent.elbo_terms,
            "elbo_trace": ascent.elbo_trace.tolist(),
        },
    )
