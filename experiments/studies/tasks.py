"""What workers are given, a cell to fit (here) or a problem to judge (in `judging`), and what comes back."""

from dataclasses import dataclass

from pydantic import BaseModel

from experiments.methods import NotFiniteError
from experiments.config.plugins import find
from experiments.records import Cell, CellRecord, MethodResult, Problem
from experiments.engine.workers.pool import Outcome


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
    from experiments.methods.starts import Starts

    method = find("methods", assignment.kind, offers=("Settings", "run"))
    starts = Starts(assignment.problem, assignment.starts_seed)
    try:
        return method.run(assignment.problem, assignment.settings, starts=starts, seed=assignment.rng_seed)
    except NotFiniteError as error:
        return NotFinite(str(error))


def as_record(cell: Cell, outcome: Outcome) -> tuple[CellRecord, MethodResult | None]:
    """Return what is kept of a cell from how its task ended, and the result where there is one."""
    if outcome.status != "ok":
        return CellRecord(cell, outcome.status, outcome.message), None
    result: MethodResult | NotFinite = outcome.value
    if isinstance(result, NotFinite):
        return CellRecord(cell, "not_finite", result.message), None
    record = CellRecord(
        cell,
        "ok",
        result.message,
        outcome=result.outcome,
        seconds_compile=result.seconds_compile,
        seconds_run=result.seconds_run,
        bound=result.bound,
        bound_se=result.bound_se,
        info=result.info,
        trace=result.trace,
    )
    return record, result
