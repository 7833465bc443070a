"""What a study keeps of one method on one mixture, for tests: fitted, scored, and looked back on."""

from pydantic import BaseModel

from experiments.methods.mixture_target import MixtureTarget
from experiments.records import MethodResult, Problem
from experiments.studies.tasks import Assignment, fit_cell


def result_of(
    kind: str, problem: Problem, settings: BaseModel, *, starts: int = 1, seed: int = 2
) -> MethodResult:
    found = fit_cell(Assignment(MixtureTarget(problem), "methods", kind, settings, starts, seed))
    assert isinstance(found, MethodResult)
    return found
