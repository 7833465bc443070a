"""Running a plan: pending cells go to the workers, each finished problem to its judge, all to the store.

What is stored is never computed again: a cell that ended ``ok`` under the same content key is done, and so
is a judgement of the same cells. Whatever interrupts a run, the next one goes on from there.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from experiments.engine import fingerprint
from experiments.engine.code_version import commit, package_version
from experiments.engine.plan import Plan, PlannedCell
from experiments.engine.store.course import now
from experiments.engine.store.folder import Store
from experiments.engine.store.index import write_index
from experiments.engine.store.whole import study_record
from experiments.engine.workers import machine
from experiments.engine.workers.compile_cache import compile_cache
from experiments.engine.workers.executors import LOCAL, executor
from experiments.engine.workers.interface import Event, Executor, Outcome, Task
from experiments.engine.workers.progress import Progress
from experiments.records.provenance import CellProvenance, StudyProvenance, cache_state
from experiments.records.result import MethodResult, NotFinite, Reference
from experiments.records.study import Cell, CellRecord, Judgement, Manifest, StudyRecord

ATTEMPTS = 2
"""How often a task is tried whose process dies: what killed it may have had nothing to do with it."""


def run(
    plan: Plan, *, folder: Path, workers: int | None = None, progress: bool = True, on: str = LOCAL
) -> StudyRecord:
    """Run what is pending of a plan, judge it, and return all; `progress` has standard error tell what runs.

    The folder is the study's own, made if need be; `workers` are tasks at a time, by default the plan's; `on`
    is which executor runs them, see `experiments.engine.workers.executors`. This process alone writes.

    Raises InputError if the folder cannot be used, holds a study of another kind, or another run is using it;
    or if the executor cannot be had, or is lost.
    """
    entries = tuple(problem.entry for problem in plan.problems)
    made_by = fingerprint.versions() | plan.versions, machine.describe()
    workers = workers or plan.workers or machine.cores()
    with Store.open(folder) as store:
        store.forget_altered()
        store.put_manifest(Manifest(plan.name, plan.config, plan.seed, *made_by, entries, plan.kind))
        for problem in plan.problems:
            if problem.content is not None:
                store.put_problem(problem.entry.key, problem.content)
        try:
            records = _Run(plan, store, on).complete(workers, progress)
        finally:
            write_index(store)
        return study_record(store, {record.cell.key: record for record in records})


def load(folder: Path) -> StudyRecord:
    """Return a study from its folder, as far as it has been run.

    Raises InputError if the folder holds no study, or one of another version.
    """
    with Store.open(folder, writable=False) as store:
        return study_record(store)


def _as_record(cell: Cell, outcome: Outcome) -> tuple[CellRecord, MethodResult | None]:
    """Return what is kept of a cell from how its task ended, and the result where there is one."""
    printed = outcome.printed
    if outcome.status != "ok":
        failed = CellRecord(cell, outcome.status, outcome.message, traceback=outcome.detail, printed=printed)
        return failed, None
    result: MethodResult | NotFinite = outcome.value
    if isinstance(result, NotFinite):
        return CellRecord(cell, "not_finite", result.message, printed=printed), None
    return CellRecord(cell, "ok", **{**vars(result), "draws": None}, printed=printed), result


class _Run:
    """One pass over a plan."""

    def __init__(self, plan: Plan, store: Store, on: str) -> None:
        self.plan = plan
        self.store = store
        self.on = on
        self.tasks: dict[str, Task] = {}  # under way, by key
        self.attempts: Counter[str] = Counter()
        self.problems = {problem.entry.key: problem for problem in plan.problems}
        self.cells = {
            planned.cell.key: (planned, problem) for problem in plan.problems for planned in problem.cells
        }
        self.open = {key: self._not_done(key) for key in self.problems}
        for key in self.problems:
            if self.open[key] or not self._is_judged(key):  # the judge will read the draws of all its cells
                self.open[key] = self._not_done(key, thorough=True)
        self.started: dict[str, str] = {}
        self.machine = machine.describe()

    def complete(self, workers: int, progress: bool) -> tuple[CellRecord, ...]:
        """Run pending cells, judge each problem when its last cell has ended, then the study; return all."""
        still_open = set().union(*self.open.values())
        pending = [planned for key, (planned, _) in self.cells.items() if key in still_open]
        unjudged = [key for key in self.problems if self.open[key] or not self._is_judged(key)]
        for key in unjudged:  # a verdict on the same cells may be by other margins, or another reference
            self.store.forget_judgements(planned.cell.key for planned in self.problems[key].cells)
        if unjudged:
            code = package_version(), commit()
            self.store.put_run(StudyProvenance(now(), self.plan.resolved, *code, os.getpid(), workers))
            kept = len(self.cells) - len(pending)
            display = Progress(len(pending) + len(unjudged), workers=workers, kept=kept)
            self.tell = self._seen_by(display if progress else lambda event: None)
            with (
                display if progress else nullcontext(),
                executor(self.on, workers, lambda task: self.tell(Event("started", task))) as runs,
            ):
                for planned in pending:
                    self._submit(planned.task, runs)
                for key in unjudged:
                    if not self.open[key]:
                        self._judge(key, runs)
                for outcome in runs.results():
                    self._end(outcome, runs)
        records = self._records(self.cells)
        self.store.put_verdict(self.plan.conclude(records))
        return records

    def _submit(self, task: Task, runs: Executor) -> None:
        self.tasks[task.key] = task
        self.tell(Event("submitted", task))
        runs.submit(task)

    def _end(self, outcome: Outcome, runs: Executor) -> None:
        """Try a task whose process died once more; store what came of any other, and then say so."""
        task = self.tasks[outcome.key]
        self.attempts[outcome.key] += 1
        if outcome.status == "crashed" and self.attempts[outcome.key] < ATTEMPTS:
            self.tell(Event("retried", task, outcome))
            runs.submit(task)
            return
        del self.tasks[outcome.key]
        if outcome.status == "crashed":
            outcome = replace(outcome, message=f"{outcome.message}; so it went {ATTEMPTS} times")
        problem = self._take(outcome)
        self.tell(Event("finished", task, outcome))
        if problem is not None:
            self._judge(problem, runs)

    def _take(self, outcome: Outcome) -> str | None:
        """Store what came of a task; return the problem that can now be judged, if one can."""
        if outcome.key in self.cells:
            planned, problem = self.cells[outcome.key]
            record, result = _as_record(planned.cell, outcome)
            made = self._provenance(planned, record, outcome)
            self.store.put_cell(record, result.draws if result else None, made)
            key = problem.entry.key
            self.open[key].discard(outcome.key)
            return None if self.open[key] else key
        if outcome.status == "ok":
            self.store.put_judgement(outcome.key, outcome.value)
            return None
        reason = f"judging {outcome.status.replace('_', ' ')}: {outcome.message}"
        nothing = Judgement(Reference("none", False, reason), traceback=outcome.detail)
        self.store.put_judgement(outcome.key, nothing)
        return None

    def _seen_by(self, display: Callable[[Event], None]) -> Callable[[Event], None]:
        """Return what notes in the store what runs, for those who look on, and shows it here."""

        def see(event: Event) -> None:
            if event.kind == "started":
                self.started[event.task.key] = now()
                self.store.put_started(event.task.key, event.task.label)
            elif event.kind == "finished" and event.outcome is not None:
                self.store.put_ended(event.task.key, event.outcome.status)
            display(event)

        return see

    def _provenance(self, planned: PlannedCell, record: CellRecord, outcome: Outcome) -> CellProvenance:
        """Return how a cell that ends now was made."""
        return CellProvenance(
            started=self.started.get(planned.cell.key, ""),
            ended=now(),
            content=planned.content,
            machine=outcome.machine or self.machine,
            threads=int(compile_cache(0)["OMP_NUM_THREADS"]),
            cache=cache_state(record.told),
            peak_bytes=outcome.peak_bytes,
            attempts=self.attempts[planned.cell.key],
        )

    def _not_done(self, key: str, *, thorough: bool = False) -> set[str]:
        """Return the cells of a problem that are still to run."""
        keys = (planned.cell.key for planned in self.problems[key].cells)
        return {cell_key for cell_key in keys if not self.store.is_done(cell_key, thorough=thorough)}

    def _judge(self, key: str, runs: Executor) -> None:
        problem = self.problems[key]
        records = self._records(planned.cell.key for planned in problem.cells)
        if runs.remote:
            records = tuple(
                replace(one, draws=one.draws.read_bytes() if isinstance(one.draws, Path) else one.draws)
                for one in records
            )
        self._submit(problem.judge(records), runs)

    def _is_judged(self, key: str) -> bool:
        keys = (planned.cell.key for planned in self.problems[key].cells)
        return self.store.is_judged(key, [cell_key for cell_key in keys if self.store.is_done(cell_key)])

    def _records(self, cell_keys: Iterable[str]) -> tuple[CellRecord, ...]:
        return tuple(record for key in cell_keys if (record := self.store.cell(key)))
