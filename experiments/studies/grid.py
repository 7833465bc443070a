"""What studies of mixtures and of own models have in common: cells, the task of judging, plan and verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import nan
from typing import Any

from experiments.config.entries import MethodEntry
from experiments.config.plugins import of_others, source_file
from experiments.config.reading import Config
from experiments.engine import fingerprint, seeds
from experiments.engine.plan import Plan, PlannedCell, PlannedProblem
from experiments.engine.workers.interface import Task
from experiments.methods import label
from experiments.records.measured import Verdict
from experiments.records.problem import Problem
from experiments.records.study import Cell, CellRecord, ProblemEntry
from experiments.records.target import Target
from experiments.studies.fitting import Assignment, libraries_of, method_code
from experiments.verdict import verdict_of_study
from experiments.verdict.fit_to_data import of_study as on_the_data


@dataclass(frozen=True)
class Place:
    """Where a problem stands in the grid; its methods are in `package`, see `experiments.config.plugins`.

    Its seeds descend from `names`, and from `repeat`, which is counted from 1; a person reads its `label`.
    """

    config: Config
    package: str
    names: tuple[str, ...]
    dataset: str
    model: str
    repeat: int
    label: str

    def seed(self, what: str, *names: str) -> int:
        """Return the seed of something at this place."""
        return seeds.integer(self.config.seed, what, *self.names, *names, self.repeat)


def planned_problem(
    place: Place,
    target_of: Callable[[MethodEntry], Target],
    content: Mapping[str, object],
    problem: Problem | None,
    structure: str,
    **about: Any,
) -> PlannedProblem:
    """Return one problem under every method, each given what `target_of` returns.

    Parameters
    ----------
    content : mapping
        What identifies model and data, as JSON.
    problem : Problem or None
        What the judge sees; None where the cells hold the quantities that are judged.
    structure : str
        What a compiled model depends on: cells that share it find each other's work in the cache.
    about
        Further fields of the `ProblemEntry`.
    """
    config, seed = place.config, place.seed("reference")
    cells = tuple(
        _planned_cell(place, method, target_of(method), content, structure) for method in config.methods
    )
    key = fingerprint.content_key(
        {
            **content,
            "seed": seed,
            "reference": config.reference.model_dump(mode="json"),
            "verdict": config.verdict.model_dump(mode="json", exclude={"methods"}),
            "code": fingerprint.code("experiments.studies.judging"),
            "versions": fingerprint.versions(),
            **_metrics_of_others(),
        }
    )

    def judge(records: tuple[CellRecord, ...]) -> Task:
        from experiments.studies.judging import Case  # and with it all metrics

        done = tuple(record for record in records if record.status == "ok")
        return Task(
            key=key,
            function="experiments.studies.judging:judge_problem",
            payload=Case(problem, done, seed, config.reference, config.verdict),
            label=f"judging {place.label}",
            time_limit=config.run.time_limit,
            memory_limit=config.run.memory_bytes,
        )

    entry = ProblemEntry(
        key=key,
        dataset=place.dataset,
        model=place.model,
        repeat=place.repeat,
        cells=tuple(planned.cell for planned in cells),
        has_content=problem is not None,
        **about,
    )
    return PlannedProblem(entry, cells, problem, judge)


def _metrics_of_others() -> dict[str, object]:
    """Return the code of metrics of other distributions, by name; nothing where none is installed."""
    others = of_others("metrics")
    if not others:
        return {}
    from experiments.metrics import known

    files = {name: source_file(known()[name].compute) for name in others}
    return {"metrics": {name: fingerprint.code_of(path) for name, path in files.items()}}


def _planned_cell(
    place: Place, method: MethodEntry, target: Target, content: Mapping[str, object], structure: str
) -> PlannedCell:
    """Return one method on one problem; all methods share the seed of the starts."""
    config, streams = place.config, (place.seed("starts"), place.seed("method", method.name))
    identity = {
        **content,
        "kind": method.kind,
        "settings": method.settings.model_dump(mode="json"),
        "seeds": list(streams),
        "code": method_code(place.package, method.kind),
        "versions": fingerprint.versions(libraries_of(place.package, method.kind)),
    }
    key = fingerprint.content_key(identity)
    task = Task(
        key=key,
        function="experiments.studies.fitting:fit_cell",
        payload=Assignment(target, place.package, method.kind, method.settings, *streams),
        label=f"{method.name} on {place.label}",
        time_limit=config.run.time_limit,
        memory_limit=config.run.memory_bytes,
        affinity=structure,
        kind=f"{method.kind} {structure}",
    )
    judged = config.verdict.methods
    is_judged = method.kind == "cavi" if judged is None else method.name in judged
    cell = Cell(place.dataset, place.model, method.name, place.repeat, key, method.kind)
    return PlannedCell(cell, task, is_judged, identity)


def as_plan(config: Config, problems: list[PlannedProblem], warnings: tuple[str, ...] = ()) -> Plan:
    """Return a plan of these problems."""
    judged = [planned.cell for problem in problems for planned in problem.cells if planned.judged]
    return Plan(
        kind=config.kind,
        name=config.name,
        config=config.text,
        seed=config.seed,
        problems=tuple(problems),
        conclude=partial(conclude, {cell.key: cell.method for cell in judged}),
        output=config.run.output,
        workers=config.run.workers,
        warnings=warnings,
    )


def conclude(judged: Mapping[str, str], records: Sequence[CellRecord]) -> Verdict:
    """Return the verdict on a study from those on the cells that it is about: their keys, and methods.

    A cell without a verdict is undecided, unless it is the reference itself.
    """
    cells = [one for one in records if one.cell.key in judged]
    verdicts = [one.verdict or Verdict("none" if one.ended_well else "undecided", "", nan) for one in cells]
    methods, measured = tuple(dict.fromkeys(map(label, judged.values()))), [one.measurements for one in cells]
    verdict = verdict_of_study(verdicts, methods=methods, measurements=measured)
    return replace(verdict, on_the_data=on_the_data(measured))
