"""CAVI's q corrected by Pareto-smoothed importance weights: draws of the posterior, or a refusal.

q is the mixture of all optima of CAVI's starts (`experiments.methods.cavi_mixture`), since no k-hat sees a
mode that q does not have; what is made of it is in `experiments.methods.resampling`.
"""

from time import perf_counter

from pydantic import Field

from experiments.methods.cavi import AscentSettings, Stopwatch
from experiments.methods.cavi_mixture import optima_of
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.resampling import resampled
from experiments.methods.several_parts import mixed
from experiments.methods.starts import Starts
from experiments.records.result import Fitted


class Settings(AscentSettings):
    """Options of CAVI, and how many draws are handed in."""

    draws: int = Field(2000, ge=100, description="independent draws of the posterior that are handed in")


def fit(target: MixtureTarget, settings: Settings, *, starts: Starts, seed: int) -> Fitted:
    """Fit by CAVI, draw from q, and take draws by their weights.

    Raises
    ------
    InputError
        If k-hat refuses it.
    """
    stopwatch = Stopwatch()
    optima = optima_of(target.problem, settings, starts, seed, stopwatch)
    q = mixed(target, optima, seed).q
    found = resampled(target, q, settings.draws, seed)
    seconds = perf_counter() - stopwatch.began
    return found.handed_in(target, starts=settings.starts, seconds=seconds, elbo=optima[0].elbo)
