"""Running a plan: pending cells go to the workers, each finished problem to its judge, all to the store.

What is stored is never computed again: a cell that ended ``ok`` under the same content key is done, and so
is a judgement of the same cells. Whatever interrupts a run, the next one goes on from there.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

from experiments.engine import fingerprint
from experiments.engine.code_version import commit, package_version
from experiments.engine.plan import Plan, PlannedCell
from experiments.engine.store.course import now
from experiments.engine.store.folder import Store
from experiments.engine.store.whole import study_record
from experiments.engine.workers import machine
from experiments.engine.workers.compile_cache import compile_cache
from experiments.engine.workers.pool import Event, Outcome, Pool
from experiments.engine.workers.progress import Progress
from experiments.records.provenance import CellProvenance, StudyProvenance, cache_state
from experiments.records.result import MethodResult, NotFinite, Reference
from experiments.records.study import Cell, CellRecord, Judgement, Manifest, StudyRecord


def run(plan: Plan, *, folder: Path, workers: int | None = None, progress: bool = True) -> StudyRecord:
    """Run what is pending of a plan, judge it, and return all; `progress` has standard error tell what runs.

    The folder is the study's own, made if need be; `workers` are tasks at a time, by default the plan's.

    Raises InputError if the folder cannot be used, holds a study of another kind, or another run is using it.
    """
    entries = tuple(problem.entry for problem in plan.problems)
    made_by = fingerprint.versions(), machine.describe()
    workers = workers or plan.workers or machine.cores()
    code = package_version(), commit()
    with Store.open(folder) as store:
        store.put_manifest(Manifest(plan.name, plan.config, plan.seed, *made_by, entries, plan.kind))
        store.put_run(StudyProvenance(now(), plan.resolved, *code, os.getpid(), workers))
        for problem in plan.problems:
            if problem.content is not None:
                store.put_problem(problem.entry.key, problem.content)
        _Run(plan, store).complete(workers, progress)
        return study_record(store)


def load(folder: Path) -> StudyRecord:
    """Return a study from its folder, as far as it has been run.

    Raises InputError if the folder holds no study, or one of another version.
    """
    with Store.open(folder, writable=False) as store:
        return study_record(store)


def _as_record(cell: Cell, outcome: Outcome) -> tuple[CellRecord, MethodResult | None]:
    """Return what is kept of a cell from how its task ended, and the result where there is one."""
    if outcome.status != "ok":
        return CellRecord(cell, outcome.status, outcome.message, traceback=outcome.detail), None
    result: MethodResult | NotFinite = outcome.value
    if isinstance(result, NotFinite):
        return CellRecord(cell, "not_finite", result.message), None
    return CellRecord(cell, "ok", **{**vars(result), "draws": None}), result


class _Run:
    """One pass over a plan."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan = plan
        self.store = store
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

    def complete(self, workers: int, progress: bool) -> None:
        """Run pending cells, judge each problem when its last cell has ended, then the study."""
        still_open = set().union(*self.open.values())
        pending = [planned for key, (planned, _) in self.cells.items() if key in still_open]
        unjudged = [key for key in self.problems if self.open[key] or not self._is_judged(key)]
        for key in unjudged:  # a verdict on the same cells may be by other margins, or another reference
            self.store.forget_judgements(planned.cell.key for planned in self.problems[key].cells)
        if unjudged:
            kept = len(self.cells) - len(pending)
            display = Progress(len(pending) + len(unjudged), workers=workers, kept=kept)
            with (
                display if progress else nullcontext(),
                Pool(
                    workers, on_event=self._seen_by(display if progress else None), environment=compile_cache
                ) as pool,
            ):
                for planned in pending:
                    pool.submit(planned.task)
                for key in unjudged:
                    if not self.open[key]:
                        self._judge(key, pool)
                for outcome in pool.results():
                    self._take(outcome, pool)
        self.store.put_verdict(self.plan.conclude(self._records(self.cells)))

    def _take(self, outcome: Outcome, pool: Pool) -> None:
        if outcome.key in self.cells:
            planned, problem = self.cells[outcome.key]
            record, result = _as_record(planned.cell, outcome)
            made = self._provenance(planned, record)
            self.store.put_cell(record, result.draws if result else None, made)
            key = problem.entry.key
            self.open[key].discard(outcome.key)
            if not self.open[key]:
                self._judge(key, pool)
        elif outcome.status == "ok":
            self.store.put_judgement(outcome.key, outcome.value)
        else:
            reason = f"judging {outcome.status.replace('_', ' ')}: {outcome.message}"
            nothing = Judgement(Reference("none", False, reason), traceback=outcome.detail)
            self.store.put_judgement(outcome.key, nothing)

    def _seen_by(self, display: Callable[[Event], None] | None) -> Callable[[Event], None]:
        """Return what notes in the store what runs, for those who look on, and shows it here."""

        def see(event: Event) -> None:
            if event.kind == "started":
                self.started[event.task.key] = now()
                self.store.put_started(event.task.key, event.task.label)
            elif event.outcome is not None:
                self.store.put_ended(event.task.key, event.outcome.status)
            if display is not None:
                display(event)

        return see

    def _provenance(self, planned: PlannedCell, record: CellRecord) -> CellProvenance:
        """Return how a cell that ends now was made."""
        return CellProvenance(
            started=self.started.get(planned.cell.key, ""),
            ended=now(),
            content=planned.content,
            machine=self.machine,
            threads=int(compile_cache(0)["OMP_NUM_THREADS"]),
            cache=cache_state(record.told),
        )

    def _not_done(self, key: str, *, thorough: bool = False) -> set[str]:
        """Return the cells of a problem that are still to run."""
        keys = (planned.cell.key for planned in self.problems[key].cells)
        return {cell_key for cell_key in keys if not self.store.is_done(cell_key, thorough=thorough)}

    def _judge(self, key: str, pool: Pool) -> None:
        problem = self.problems[key]
        pool.submit(problem.judge(self._records(planned.cell.key for planned in problem.cells)))

    def _is_judged(self, key: str) -> bool:
        keys = (planned.cell.key for planned in self.problems[key].cells)
        return self.store.is_judged(key, [cell_key for cell_key in keys if self.store.is_done(cell_key)])

    def _records(self, cell_keys: Iterable[str]) -> tuple[CellRecord, ...]:
        return tuple(record for key in cell_keys if (record := self.store.cell(key)))
