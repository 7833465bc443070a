"""What studies of mixtures and of own models have in common: cells, the task of judging, the plan itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from experiments.config.entries import MethodEntry
from experiments.config.reading import Config
from experiments.engine import fingerprint
from experiments.engine.plan import Plan, PlannedCell, PlannedProblem
from experiments.engine.workers.pool import Task
from experiments.records.problem import Problem
from experiments.records.study import Cell, CellRecord
from experiments.records.target import Target
from experiments.studies.concluding import conclude_on
from experiments.studies.judging import Case
from experiments.studies.tasks import Assignment, method_code


@dataclass(frozen=True)
class Place:
    """Where a problem stands in the grid.

    Attributes
    ----------
    repeat : int
        Counted from 1.
    label : str
        What a person reads.
    """

    config: Config
    dataset: str
    model: str
    repeat: int
    label: str


def planned_cell(
    place: Place,
    method: MethodEntry,
    target: Target,
    *,
    package: str,
    content: Mapping[str, object],
    seeds: tuple[int, int],
    structure: str,
) -> PlannedCell:
    """Return one method on one problem.

    Parameters
    ----------
    target : Target
        What the method is given.
    package : str
        ``methods`` or ``own methods``, see `experiments.config.plugins`.
    content : mapping
        What identifies model and data, as JSON.
    seeds : tuple of int
        Of the starts, which all methods share, and of what the method itself draws.
    structure : str
        What a compiled model depends on: cells that share it find each other's work in the cache.
    """
    config = place.config
    key = fingerprint.content_key(
        {
            **content,
            "kind": method.kind,
            "settings": method.settings.model_dump(mode="json"),
            "seeds": list(seeds),
            "code": method_code(package, method.kind),
            "versions": fingerprint.versions(),
        }
    )
    task = Task(
        key=key,
        function="experiments.studies.tasks:fit_cell",
        payload=Assignment(target, package, method.kind, method.settings, *seeds),
        label=f"{method.name} on {place.label}",
        time_limit=config.run.time_limit,
        affinity=f"{method.kind} {structure}",
    )
    judged = config.verdict.methods
    is_judged = method.kind == "cavi" if judged is None else method.name in judged
    cell = Cell(place.dataset, place.model, method.name, place.repeat, key, method.kind)
    return PlannedCell(cell, task, is_judged)


def judging(
    place: Place, problem: Problem | None, content: Mapping[str, object], seed: int
) -> tuple[str, Callable[[tuple[CellRecord, ...]], Task]]:
    """Return the key of a problem, and what gives the task of judging it.

    Parameters
    ----------
    place, content
        See `planned_cell`.
    problem : Problem or None
        What the cells saw; None where they hold the quantities that are judged.
    seed : int
        For the reference and the metrics.
    """
    config = place.config
    key = fingerprint.content_key(
        {
            **content,
            "seed": seed,
            "reference": config.reference.model_dump(mode="json"),
            "verdict": config.verdict.model_dump(mode="json", exclude={"methods"}),
            "code": fingerprint.code("experiments.studies.judging"),
            "versions": fingerprint.versions(),
        }
    )

    def judge(records: tuple[CellRecord, ...]) -> Task:
        done = tuple(record for record in records if record.status == "ok")
        return Task(
            key=key,
            function="experiments.studies.judging:judge_problem",
            payload=Case(problem, done, seed, config.reference, config.verdict),
            label=f"judging {place.label}",
            time_limit=config.run.time_limit,
        )

    return key, judge


def as_plan(config: Config, problems: list[PlannedProblem], warnings: tuple[str, ...] = ()) -> Plan:
    """Return a plan of these problems."""
    judged = [planned.cell for problem in problems for planned in problem.cells if planned.judged]
    return Plan(
        kind=config.kind,
        name=config.name,
        config=config.text,
        seed=config.seed,
        problems=tuple(problems),
        conclude=conclude_on({cell.key for cell in judged}, [cell.method for cell in judged]),
        output=config.run.output,
        workers=config.run.workers,
        warnings=warnings,
    )
