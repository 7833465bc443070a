"""A calibration as a plan: a problem is a model, a cell a batch of replicates by one method.

More replicates add cells and change none; what was ranked is kept when only margins change.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import nan

import numpy as np

from experiments.calibration import verdict
from experiments.calibration.task import Batch, Ranks, ranks_of
from experiments.config.entries import MethodEntry
from experiments.config.options import POINTS, CalibrationOptions
from experiments.config.plugins import find
from experiments.config.reading import Config
from experiments.engine import fingerprint
from experiments.engine.plan import Plan, PlannedCell, PlannedProblem
from experiments.engine.store.files import read_tree
from experiments.engine.workers.interface import Task
from experiments.methods import label
from experiments.records.calibration import Design, MethodCalibration, ModelCalibration
from experiments.records.measured import Measurement, Verdict
from experiments.records.result import Reference
from experiments.records.study import Cell, CellRecord, Judgement, ProblemEntry
from experiments.studies.calibrated_models import Calibrated, calibrated_models
from experiments.studies.fitting import libraries_of, method_code
from hand_cavi import Mixture

_NO_REFERENCE = Reference("none", False, "a calibration ranks the truth that it simulated: it needs none")
_WORDS = {"calibrated": "pass", "undecided": "undecided"}  # every flag is a fail


@dataclass(frozen=True)
class Case:
    """All batches of one model, however they ended, for the judge.

    `methods` are names, kinds, and whether each is judged. The quantities that all judged methods have on
    all models share the error rate evenly; where their number shows itself here only, all models do first.
    """

    model: str
    mixture: Mixture | None
    about: str
    methods: tuple[tuple[str, str, bool], ...]
    options: CalibrationOptions
    n_judged: int | None
    n_models: int
    cells: tuple[CellRecord, ...]


def plan(config: Config) -> Plan:
    """Lay out the batches, method by method, so that what is compiled serves many."""
    judged, models = _judged(config), calibrated_models(config)
    known = [model.n_quantities for model in models if model.n_quantities is not None]
    n_judged = sum(known) * len(judged) if len(known) == len(models) else None
    problems = tuple(_planned(config, model, judged, n_judged, len(models)) for model in models)
    return Plan(
        kind="calibration",
        name=config.name,
        config=config.text,
        seed=config.seed,
        problems=problems,
        conclude=partial(_conclude, judged),
        output=config.batches.output,
        workers=config.batches.workers,
    )


def judge_model(case: Case) -> Judgement:
    """Judge all methods on one model; runs in a worker."""
    options = case.options
    found = {cell.cell.key: ranks_of(read_tree(cell.draws)) for cell in case.cells if cell.draws}
    level = _test_level(case, found.values())
    methods = [_method(name, kind, judged, found, case, level) for name, kind, judged in case.methods]
    verdicts = {one.method: Verdict(_WORDS.get(one.decision, "fail"), one.sentence, nan) for one in methods}
    design = Design(
        options.replicates,
        options.points or (POINTS if case.mixture is not None and options.around == "prior" else None),
        options.error_rate,
        level,
        options.shift_margin,
        options.width_margin,
        options.around,
    )
    return Judgement(
        _NO_REFERENCE,
        measurements={key: _measured(ranks) for key, ranks in found.items()},
        verdicts={cell.cell.key: verdicts[cell.cell.method] for cell in case.cells if cell.draws},
        details=ModelCalibration(case.model, case.mixture, case.about, tuple(methods), design),
    )


def _judged(config: Config) -> tuple[str, ...]:
    """Return the methods that decide: those named, else those that claim to be exact, else all."""
    names = tuple(method.name for method in config.methods)
    if config.calibration.judge is not None:
        return tuple(name for name in names if name in config.calibration.judge)
    package = "own methods" if config.own_models else "methods"
    exact = [one.name for one in config.methods if getattr(find(package, one.kind), "EXACT", False)]
    return tuple(exact) or names


def _called(model: Calibrated) -> str:
    """Return what a reader calls a model, with the data around which it is simulated."""
    around_mixture = model.dataset != "simulated" and model.mixture is not None
    return f"{model.name} on {model.dataset}" if around_mixture else model.name


def _test_level(case: Case, found: Iterable[Ranks]) -> float:
    """Return the level of each single test."""
    n_judged = case.n_judged
    if n_judged is None:
        n_quantities = max((len(ranks.quantities) for ranks in found), default=1)
        n_judged = n_quantities * case.n_models * sum(judged for *_, judged in case.methods)
    return verdict.test_level(case.options, n_judged)


def _planned(
    config: Config, model: Calibrated, judged: tuple[str, ...], n_judged: int | None, n_models: int
) -> PlannedProblem:
    options = config.calibration
    cells = tuple(
        _cell(config, model, method, first, method.name in judged)
        for method in config.methods
        for first in range(0, options.replicates, options.batch)
    )
    methods = tuple((method.name, method.kind, method.name in judged) for method in config.methods)
    key = fingerprint.content_key(
        {
            "model": [model.dataset, model.name],
            "source": model.source.content(),
            "options": options.model_dump(mode="json"),
            "methods": [list(method) for method in methods],
            "judged": [n_judged, n_models],
            "code": fingerprint.code("experiments.studies.calibration"),
            "versions": fingerprint.versions(),
        }
    )

    def judge(records: tuple[CellRecord, ...]) -> Task:
        return Task(
            key=key,
            function="experiments.studies.calibration:judge_model",
            payload=Case(
                _called(model),
                model.mixture,
                model.about_model,
                methods,
                options,
                n_judged,
                n_models,
                records,
            ),
            label=f"judging {_called(model)}",
            time_limit=config.batches.time_limit,
            memory_limit=config.batches.memory_bytes,
        )

    entry = ProblemEntry(
        key=key,
        dataset=model.dataset,
        model=model.name,
        repeat=1,
        about_data=model.about_data,
        about_model=model.about_model,
        unit="",
        cells=tuple(planned.cell for planned in cells),
        has_content=False,
    )
    return PlannedProblem(entry, cells, None, judge)


def _cell(config: Config, model: Calibrated, method: MethodEntry, first: int, judged: bool) -> PlannedCell:
    options = config.calibration
    batch = Batch(
        model=model.name,
        method=method.name,
        source=model.source,
        kind=method.kind,
        settings=method.settings,
        seed=options.seed,
        first=first,
        size=min(options.batch, options.replicates - first),
        draws=options.draws,
    )
    content = {
        **vars(batch),
        "source": model.source.content(),
        "settings": batch.settings.model_dump(mode="json"),
        "code": [
            *method_code(model.source.package, batch.kind),
            fingerprint.code("experiments.calibration.task"),
            *map(fingerprint.code, model.code),
        ],
        "versions": fingerprint.versions(libraries_of(model.source.package, batch.kind)),
    }
    key = fingerprint.content_key(content)
    last = batch.first + batch.size
    task = Task(
        key=key,
        function="experiments.calibration.task:run_batch",
        payload=batch,
        label=f"{batch.method} on {_called(model)}, replicates {batch.first + 1} to {last}",
        time_limit=config.batches.time_limit,
        memory_limit=config.batches.memory_bytes,
        affinity=batch.model,
        kind=f"{batch.kind} {batch.model}",
    )
    number = 1 + first // options.batch
    cell = Cell(model.dataset, model.name, method.name, number, key, method.kind)
    return PlannedCell(cell, task, judged, content)


def _method(
    name: str, kind: str, judged: bool, ranks_by_key: dict[str, Ranks], case: Case, test_level: float
) -> MethodCalibration:
    cells = [cell for cell in case.cells if cell.cell.method == name]
    found = [ranks_by_key[cell.cell.key] for cell in cells if cell.draws]
    refused = Counter(why.partition(":")[0] for ranks in found for why in ranks.refused.values())
    failed = Counter(why for ranks in found for why in ranks.failed.values())
    size, replicates = case.options.batch, case.options.replicates
    for cell in cells:
        if cell.draws is None:
            why = f"a batch {cell.status.replace('_', ' ')}: {cell.message}"
            failed[why] += min(size, replicates - (cell.cell.repeat - 1) * size)
    results = []
    n_draws = np.concatenate([ranks.n_draws for ranks in found]) if found else np.zeros(0)
    ranked = n_draws > 0
    if ranked.any():
        rows = np.concatenate([ranks.ranks for ranks in found])[ranked]
        results = [
            verdict.quantity_result(quantity, rows[:, q], test_level, case.options)
            for q, quantity in enumerate(found[0].quantities)
        ]
    return MethodCalibration(
        method=name,
        kind=kind,
        judged=judged,
        decision=verdict.decision_of(results),
        sentence=verdict.sentence_of(name, results),
        quantities=tuple(results),
        replicates=int(ranked.sum()),
        refused=dict(refused),
        failed=dict(failed),
        ranked=float(n_draws[ranked].mean()) if results else 0.0,
        processor_seconds=sum(ranks.processor_seconds for ranks in found),
    )


def _measured(ranks: Ranks) -> dict[str, Measurement]:
    ranked = int((ranks.n_draws > 0).sum())
    return {"replicates": Measurement(float(ranked), None, note=f"of {len(ranks.n_draws)} in the batch")}


def _conclude(judged: Sequence[str], records: Sequence[CellRecord]) -> Verdict:
    """Return the verdict on a calibration from the verdicts on its batches."""
    decisions: dict[tuple[str, str, str], str] = {}
    for record in records:
        place = record.cell.dataset, record.cell.model, record.cell.method
        if decisions.get(place, "undecided") == "undecided":
            decisions[place] = record.verdict.decision if record.verdict else "undecided"
    outcomes = [(label(method), method in judged, said) for (*_, method), said in decisions.items()]
    return Verdict(*verdict.overall(outcomes), nan)
