"""A calibration as a plan: a problem is a model, a cell a batch of replicates by one method.

More replicates add cells and change none; what was ranked is kept when only margins change.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import nan

import numpy as np

from experiments.calibration import ranked_quantities as quantities
from experiments.calibration import verdict
from experiments.calibration.simulate import replicate
from experiments.calibration.task import Batch, Ranks, ranks_of
from experiments.config.entries import MethodEntry
from experiments.config.models import ModelEntry
from experiments.config.options import CalibrationOptions
from experiments.config.plugins import find
from experiments.config.reading import Config
from experiments.engine import fingerprint
from experiments.engine.plan import Plan, PlannedCell, PlannedProblem
from experiments.engine.store.files import read_tree
from experiments.engine.workers.interface import Task
from experiments.families.formula import formula
from experiments.methods import label
from experiments.methods.mixture_target import mixture_content
from experiments.records.calibration import Design, MethodCalibration, ModelCalibration
from experiments.records.measured import Measurement, Verdict
from experiments.records.result import Reference
from experiments.records.study import Cell, CellRecord, Judgement, ProblemEntry
from experiments.studies.fitting import libraries_of, method_code
from hand_cavi import Mixture

_NO_REFERENCE = Reference("none", False, "a calibration ranks the truth that it simulated: it needs none")
_WORDS = {"calibrated": "pass", "undecided": "undecided"}  # every flag is a fail


@dataclass(frozen=True)
class Case:
    """All batches of one model, however they ended, for the judge.

    `methods` are names, kinds, and whether each is judged; `test_level` is that of each single test.
    """

    model: str
    mixture: Mixture
    methods: tuple[tuple[str, str, bool], ...]
    options: CalibrationOptions
    test_level: float
    cells: tuple[CellRecord, ...]


def plan(config: Config) -> Plan:
    """Lay out the batches, method by method, so that what is compiled serves many."""
    options, judged = config.calibration, _judged(config)
    n_quantities = sum(_n_quantities(model, options) for model in config.models)
    level = verdict.test_level(options, n_quantities * len(judged))
    problems = tuple(_planned(config, model, judged, level) for model in config.models)
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
    methods = [_method(name, kind, judged, found, case) for name, kind, judged in case.methods]
    verdicts = {one.method: Verdict(_WORDS.get(one.decision, "fail"), one.sentence, nan) for one in methods}
    design = Design(
        options.replicates,
        options.points,
        options.error_rate,
        case.test_level,
        options.shift_margin,
        options.width_margin,
    )
    about = formula(case.mixture, options.points)
    return Judgement(
        _NO_REFERENCE,
        measurements={key: _measured(ranks) for key, ranks in found.items()},
        verdicts={cell.cell.key: verdicts[cell.cell.method] for cell in case.cells if cell.draws},
        details=ModelCalibration(case.model, case.mixture, about, tuple(methods), design),
    )


def _judged(config: Config) -> tuple[str, ...]:
    """Return the methods that decide: those named, else those that claim to be exact, else all."""
    names = tuple(method.name for method in config.methods)
    if config.calibration.judge is not None:
        return tuple(name for name in names if name in config.calibration.judge)
    exact = [one.name for one in config.methods if getattr(find("methods", one.kind), "EXACT", False)]
    return tuple(exact) or names


def _n_quantities(model: ModelEntry, options: CalibrationOptions) -> int:
    example = replicate(model.mixture, options.points, seed=options.seed, model=model.name, number=0)
    return len(quantities.names_of(example, quantities.kinds_of(example, options.quantities)))


def _planned(config: Config, model: ModelEntry, judged: tuple[str, ...], level: float) -> PlannedProblem:
    options = config.calibration
    cells = tuple(
        _cell(config, model, method, first, method.name in judged)
        for method in config.methods
        for first in range(0, options.replicates, options.batch)
    )
    methods = tuple((method.name, method.kind, method.name in judged) for method in config.methods)
    key = fingerprint.content_key(
        {
            "model": model.name,
            "mixture": mixture_content(model.mixture),
            "options": options.model_dump(mode="json"),
            "methods": [list(method) for method in methods],
            "test_level": level,
            "code": fingerprint.code("experiments.studies.calibration"),
            "versions": fingerprint.versions(),
        }
    )

    def judge(records: tuple[CellRecord, ...]) -> Task:
        return Task(
            key=key,
            function="experiments.studies.calibration:judge_model",
            payload=Case(model.name, model.mixture, methods, options, level, records),
            label=f"judging {model.name}",
            time_limit=config.batches.time_limit,
            memory_limit=config.batches.memory_bytes,
        )

    entry = ProblemEntry(
        key=key,
        dataset="simulated",
        model=model.name,
        repeat=1,
        about_data=f"{options.replicates} data sets of {options.points} points, simulated from the model",
        about_model=formula(model.mixture, options.points),
        unit="",
        cells=tuple(planned.cell for planned in cells),
        has_content=False,
    )
    return PlannedProblem(entry, cells, None, judge)


def _cell(config: Config, model: ModelEntry, method: MethodEntry, first: int, judged: bool) -> PlannedCell:
    options = config.calibration
    batch = Batch(
        model=model.name,
        method=method.name,
        mixture=model.mixture,
        points=options.points,
        kind=method.kind,
        settings=method.settings,
        seed=options.seed,
        first=first,
        size=min(options.batch, options.replicates - first),
        draws=options.draws,
        kinds=options.quantities,
    )
    content = {
        **vars(batch),
        "mixture": mixture_content(batch.mixture),
        "settings": batch.settings.model_dump(mode="json"),
        "code": [*method_code("methods", batch.kind), fingerprint.code("experiments.calibration.task")],
        "versions": fingerprint.versions(libraries_of("methods", batch.kind)),
    }
    key = fingerprint.content_key(content)
    last = batch.first + batch.size
    task = Task(
        key=key,
        function="experiments.calibration.task:run_batch",
        payload=batch,
        label=f"{batch.method} on {batch.model}, replicates {batch.first + 1} to {last}",
        time_limit=config.batches.time_limit,
        memory_limit=config.batches.memory_bytes,
        affinity=batch.model,
        kind=f"{batch.kind} {batch.model}",
    )
    number = 1 + first // options.batch
    cell = Cell("simulated", model.name, method.name, number, key, method.kind)
    return PlannedCell(cell, task, judged, content)


def _method(
    name: str, kind: str, judged: bool, ranks_by_key: dict[str, Ranks], case: Case
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
            verdict.quantity_result(quantity, rows[:, q], case.test_level, case.options)
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
    decisions: dict[tuple[str, str], str] = {}
    for record in records:
        place = record.cell.model, record.cell.method
        if decisions.get(place, "undecided") == "undecided":
            decisions[place] = record.verdict.decision if record.verdict else "undecided"
    outcomes = [(label(method), method in judged, said) for (_, method), said in decisions.items()]
    return Verdict(*verdict.overall(outcomes), nan)
