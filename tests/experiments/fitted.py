"""What a study keeps of one method on one mixture, for tests: fitted, scored, and looked back on."""

from typing import Any

import numpy as np
from pydantic import BaseModel

from experiments.methods.mixture_target import MixtureTarget
from experiments.metrics import Context
from experiments.records import MethodResult, Problem, Reference
from experiments.studies.fitting import Assignment, fit_cell


def result_of(
    kind: str, problem: Problem, settings: BaseModel, *, starts: int = 1, seed: int = 2
) -> MethodResult:
    found = fit_cell(Assignment(MixtureTarget(problem), "methods", kind, settings, starts, seed))
    assert isinstance(found, MethodResult)
    return found


def context_for(
    problem: Problem | None,
    result: MethodResult,
    reference: Reference,
    pivot: np.ndarray | None = None,
    **more: Any,
) -> Context:
    return Context(problem, result.draws, result, reference, pivot, **more)
