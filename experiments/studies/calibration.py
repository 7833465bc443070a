"""Running a calibration: batches to the workers, ranks to the disk, and a verdict on all of them.

What is on disk is never computed again; whatever interrupts a run, the next one goes on from there.
"""

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.calibration import quantities, verdict
from experiments.studies import calibration_store as store
from experiments.studies.calibration_config import CalibrationConfig
from experiments.calibration.records import CalibrationRecord
from experiments.calibration.simulate import replicate
from experiments.calibration.task import Batch, Ranks, ranks_of
from experiments.config.entries import MethodEntry
from experiments.config.models import ModelEntry
from experiments.engine import fingerprint
from experiments.families.formula import formula
from experiments.methods import label
from experiments.records import Design, MethodCalibration, ModelCalibration
from experiments.engine.workers import machine
from experiments.engine.workers.caches import compile_cache
from experiments.engine.workers.pool import Pool, Task
from experiments.engine.workers.progress import Progress


@dataclass(frozen=True)
class _Job:
    """A batch with its key."""

    batch: Batch
    key: str


def run_calibration(
    config: CalibrationConfig, *, folder: Path, workers: int | None = None, progress: bool = True
) -> CalibrationRecord:
    """Run what is pending of a calibration, judge it, and return all of it.

    Parameters
    ----------
    config : CalibrationConfig
    folder : Path
        The calibration's own; made if it is not there.
    workers : int, optional
        Batches at a time; as many as there are cores, if not given.
    progress : bool
        Whether to tell standard error what runs.

    Raises
    ------
    InputError
        If the folder cannot be used, or another run is using it.
    """
    jobs = _jobs(config)
    done: dict[str, Ranks] = {}
    trouble: dict[str, str] = {}
    with store.writing(folder) as batches:
        for job in jobs:
            if (ranks := store.get(batches, job.key)) is not None:
                done[job.key] = ranks
        pending = [job for job in jobs if job.key not in done]
        if pending:
            _complete(pending, batches, done, trouble, config, workers or machine.cores(), progress)
    return _record(config, folder, jobs, done, trouble)


def _jobs(config: CalibrationConfig) -> list[_Job]:
    """Return all batches, method by method, so that what is compiled serves many."""
    options, jobs = config.options, []
    for model in config.models:
        for method in config.methods:
            for first in range(0, options.replicates, options.batch):
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
                jobs.append(_Job(batch, store.key_of(batch)))
    return jobs


def _complete(
    pending: list[_Job],
    batches: Path,
    done: dict[str, Ranks],
    trouble: dict[str, str],
    config: CalibrationConfig,
    workers: int,
    progress: bool,
) -> None:
    display = Progress(len(pending), workers=workers, kept=len(done))
    by_key = {job.key: job.batch for job in pending}
    with (
        display if progress else nullcontext(),
        Pool(workers, on_event=display if progress else None, environment=compile_cache) as pool,
    ):
        for job in pending:
            pool.submit(_task(job, config.run.time_limit))
        for outcome in pool.results():
            if outcome.status == "ok":
                done[outcome.key] = ranks_of(outcome.value.draws)
                store.put(batches, outcome.key, by_key[outcome.key], done[outcome.key])
            else:
                trouble[outcome.key] = f"{outcome.status.replace('_', ' ')}: {outcome.message}"
                store.put_trouble(batches, outcome.key, by_key[outcome.key], outcome.status, outcome.message)


def _task(job: _Job, time_limit: float) -> Task:
    batch = job.batch
    last = batch.first + batch.size
    return Task(
        key=job.key,
        function="experiments.calibration.task:run_batch",
        payload=batch,
        label=f"{batch.method} on {batch.model}, replicates {batch.first + 1} to {last}",
        time_limit=time_limit,
        affinity=f"{batch.kind} {batch.model}",
    )


def _record(
    config: CalibrationConfig,
    folder: Path,
    jobs: list[_Job],
    done: dict[str, Ranks],
    trouble: dict[str, str],
) -> CalibrationRecord:
    options = config.options
    n_quantities = sum(len(_names(config, model)) for model in config.models)
    design = Design(
        replicates=options.replicates,
        points=options.points,
        error_rate=options.error_rate,
        test_level=verdict.test_level(options, n_quantities * len(config.judged)),
        shift_margin=options.shift_margin,
        width_margin=options.width_margin,
    )
    models = []
    for model in config.models:
        methods = []
        for method in config.methods:
            own = [job for job in jobs if (job.batch.model, job.batch.method) == (model.name, method.name)]
            methods.append(_method_result(config, method, own, done, trouble, design))
        about = formula(model.mixture, options.points)
        models.append(ModelCalibration(model.name, model.mixture, about, tuple(methods), design))
    said = {"calibrated": "pass", "undecided": "undecided"}
    found = [one for model in models for one in model.methods]
    outcomes = [(label(one.method), one.judged, said.get(one.decision, "fail")) for one in found]
    decision, sentence = verdict.overall(outcomes)
    decision = {"pass": "calibrated", "fail": "flagged"}.get(decision, decision)
    return CalibrationRecord(
        name=config.name,
        folder=folder,
        decision=decision,
        sentence=sentence,
        models=tuple(models),
        replicates=options.replicates,
        points=options.points,
        error_rate=options.error_rate,
        test_level=design.test_level,
        shift_margin=options.shift_margin,
        width_margin=options.width_margin,
        config=config.text,
        seed=options.seed,
        versions=fingerprint.versions(),
        machine=machine.describe(),
    )


def _names(config: CalibrationConfig, model: ModelEntry) -> tuple[str, ...]:
    """Return the names of the quantities that are ranked for a model."""
    options = config.options
    example = replicate(model.mixture, options.points, seed=options.seed, model=model.name, number=0)
    return quantities.names_of(example, quantities.kinds_of(example, options.quantities))


def _method_result(
    config: CalibrationConfig,
    method: MethodEntry,
    jobs: list[_Job],
    done: dict[str, Ranks],
    trouble: dict[str, str],
    design: Design,
) -> MethodCalibration:
    found = [done[job.key] for job in jobs if job.key in done]
    refused = Counter(why for one in found for why in _reasons(one.refused))
    failed = Counter(why for one in found for why in one.failed.values())
    for job in jobs:
        if job.key in trouble:
            failed[f"a batch {trouble[job.key]}"] += job.batch.size
    results = []
    n_draws = np.concatenate([one.n_draws for one in found]) if found else np.zeros(0)
    if (n_draws > 0).any():
        rows = np.concatenate([one.ranks for one in found])[n_draws > 0]
        results = [
            verdict.quantity_result(name, rows[:, q], design.test_level, config.options)
            for q, name in enumerate(found[0].quantities)
        ]
    decision = verdict.decision_of(results)
    return MethodCalibration(
        method=method.name,
        kind=method.kind,
        judged=method.name in config.judged,
        decision=decision,
        sentence=verdict.sentence_of(method.name, results),
        quantities=tuple(results),
        replicates=int((n_draws > 0).sum()),
        refused=dict(refused),
        failed=dict(failed),
        ranked=float(n_draws[n_draws > 0].mean()) if (n_draws > 0).any() else 0.0,
        processor_seconds=sum(one.processor_seconds for one in found),
    )


def _reasons(refused: dict[int, str]) -> list[str]:
    """Return why replicates were refused, without the figures that differ from one to the next."""
    return [why.partition(":")[0] for why in refused.values()]
