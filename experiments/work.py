"""What a worker does: fit one cell; the other kind of work is `judge`."""

from dataclasses import dataclass

from pydantic import BaseModel

from experiments.methods import NotFiniteError
from experiments.plugins import find
from experiments.records import MethodResult, Problem
from experiments.starts import Starts


@dataclass(frozen=True)
class Assignment:
    """One method, one problem, and the seeds.

    Attributes
    ----------
    problem : Problem
    kind : str
        The method's plugin.
    settings : BaseModel
        The plugin's `Settings`.
    starts_seed, rng_seed : int
    """

    problem: Problem
    kind: str
    settings: BaseModel
    starts_seed: int
    rng_seed: int


@dataclass(frozen=True)
class NotFinite:
    """What comes back where the method's numbers overflowed."""

    message: str


def fit_cell(assignment: Assignment) -> MethodResult | NotFinite:
    """Run the method."""
    method = find("methods", assignment.kind, offers=("Settings", "run"))
    starts = Starts(assignment.problem, assignment.starts_seed)
    try:
        return method.run(assignment.problem, assignment.settings, starts=starts, seed=assignment.rng_seed)
    except NotFiniteError as error:
        return NotFinite(str(error))
