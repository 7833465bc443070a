"""Coordinate ascent's q corrected by Pareto-smoothed importance weights, for a derivation of the user's own.

Weights are p/q: where variables can be swapped without changing the model, as clusters can, q has but one of
their numberings, so that log p(x) lacks the log of how many there are; what does not depend on them is right.
"""

from time import perf_counter

from pydantic import Field

from experiments.methods.own import cavi
from experiments.methods.own.own_target import OwnTarget
from experiments.methods.resampling import resampled
from experiments.records.result import Fitted
from experiments.records.target import StartingPoints


class Settings(cavi.Settings):
    """Options of coordinate ascent, and how many draws are handed in."""

    draws: int = Field(2000, ge=100, description="independent draws of the posterior that are handed in")


def fit(target: OwnTarget, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Ascend by the derivation's updates, draw from q, and take draws by their weights.

    Raises
    ------
    InputError
        If k-hat refuses it.
    """
    fitted = cavi.fit(target, settings, starts=starts, seed=seed)
    assert fitted.q is not None
    began = perf_counter()
    found = resampled(target, fitted.q, settings.draws, seed)
    seconds = fitted.seconds_run + perf_counter() - began
    return found.handed_in(target, starts=settings.starts, seconds=seconds, elbo=fitted.bound)
