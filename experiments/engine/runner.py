"""Running a study: pending cells go to the workers, each finished problem to the judge, all to the store.

What is stored is never computed again: a cell that ended ``ok`` under the same content key is done, and so
is a judgement of the same cells. Whatever interrupts a run, the next one goes on from there.
"""

from contextlib import nullcontext
from math import nan
from pathlib import Path

from experiments.config.plugins import find
from experiments.engine import fingerprint
from experiments.engine.store.folder import Store
from experiments.engine.workers import machine
from experiments.engine.workers.caches import compile_cache
from experiments.engine.workers.pool import Outcome, Pool, Task
from experiments.engine.workers.progress import Progress
from experiments.methods import label
from experiments.methods.mixture_target import MixtureTarget
from experiments.records import CellRecord, Judgement, Manifest, ProblemEntry, Reference, StudyRecord, Verdict
from experiments.studies.mixtures import Study, StudyCell, StudyProblem
from experiments.studies.tasks import Assignment, Case, as_record
from experiments.verdict import verdict_of_study


def run_study(
    study: Study, *, folder: Path, workers: int | None = None, progress: bool = True
) -> StudyRecord:
    """Run what is pending of a study, judge it, and return all of it.

    Parameters
    ----------
    study : Study
    folder : Path
        The study's own; made if it is not there.
    workers : int, optional
        Cells at a time; as many as there are cores, if not given.
    progress : bool
        Whether to tell standard error what runs.

    Raises
    ------
    InputError
        If the folder cannot be used, or another run is using it.
    """
    workers = workers or study.run.workers or machine.cores()
    with Store.open(folder) as store:
        store.put_manifest(_manifest(study))
        for problem in study.problems:
            store.put_problem(problem.key, problem.problem)
        _Run(study, store).complete(workers, progress)
        return store.study_record()


def load_study_record(folder: Path) -> StudyRecord:
    """Return a study from its folder, as far as it has been run.

    Raises
    ------
    InputError
        If the folder holds no study.
    """
    with Store.open(folder, writable=False) as store:
        return store.study_record()


class _Run:
    """One pass over a study's grid."""

    def __init__(self, study: Study, store: Store) -> None:
        self.study = study
        self.store = store
        self.open: dict[int, set[str]] = {i: set() for i in range(len(study.problems))}  # pending cells
        self.by_key = {cell.cell.key: cell for cell in study.cells}

    def complete(self, workers: int, progress: bool) -> None:
        """Run pending cells, judge each problem when its last cell has ended, then the study."""
        pending = [cell for cell in self.study.cells if not self.store.is_done(cell.cell.key)]
        for cell in pending:
            self.open[cell.problem].add(cell.cell.key)
        unjudged = [i for i in self.open if self.open[i] or not self._is_judged(i)]
        if pending or unjudged:
            kept = len(self.study.cells) - len(pending)
            display = Progress(len(pending) + len(unjudged), workers=workers, kept=kept)
            with (
                display if progress else nullcontext(),
                Pool(workers, on_event=display if progress else None, environment=compile_cache) as pool,
            ):
                for cell in pending:
                    pool.submit(self._fit_task(cell))
                for i in unjudged:
                    if not self.open[i]:
                        pool.submit(self._judge_task(i))
                for outcome in pool.results():
                    self._take(outcome, pool)
        self._conclude()

    def _take(self, outcome: Outcome, pool: Pool) -> None:
        cell = self.by_key.get(outcome.key)
        if cell is None:
            self._take_judgement(outcome)
            return
        record, result = as_record(cell.cell, outcome)
        self.store.put_cell(record, result.draws if result else None)
        self.open[cell.problem].discard(cell.cell.key)
        if not self.open[cell.problem]:
            pool.submit(self._judge_task(cell.problem))

    def _take_judgement(self, outcome: Outcome) -> None:
        if outcome.status == "ok":
            judgement: Judgement = outcome.value
        else:
            reason = f"judging {outcome.status.replace('_', ' ')}: {outcome.message}"
            judgement = Judgement(Reference("none", False, reason))
        self.store.put_judgement(outcome.key, judgement)

    def _conclude(self) -> None:
        judged = [self.store.cell(cell.cell.key) for cell in self.study.cells if cell.judged]
        verdicts = [cell.verdict or _unjudged(cell) for cell in judged if cell]
        names = dict.fromkeys(label(cell.cell.method) for cell in self.study.cells if cell.judged)
        self.store.put_verdict(verdict_of_study(verdicts, subject=" or ".join(names)))

    def _cells_of(self, problem: int) -> list[StudyCell]:
        return [cell for cell in self.study.cells if cell.problem == problem]

    def _done_of(self, problem: int) -> list[CellRecord]:
        records = [self.store.cell(cell.cell.key) for cell in self._cells_of(problem)]
        return [record for record in records if record and record.status == "ok"]

    def _is_judged(self, problem: int) -> bool:
        keys = [record.cell.key for record in self._done_of(problem)]
        return self.store.is_judged(self.study.problems[problem].key, keys)

    def _fit_task(self, cell: StudyCell) -> Task:
        problem = self.study.problems[cell.problem]
        seen = problem.problem
        needs_points = getattr(find("methods", cell.kind), "NEEDS_POINTS", False)
        if needs_points and seen.condensation is not None and not seen.condensation.exact:
            seen = problem.points
        target, seeds = MixtureTarget(seen), (problem.starts_seed, cell.rng_seed)
        assignment = Assignment(target, "methods", cell.kind, cell.settings, *seeds)
        return Task(
            key=cell.cell.key,
            function="experiments.studies.tasks:fit_cell",
            payload=assignment,
            label=f"{cell.cell.method} on {_name(problem)}",
            time_limit=self.study.run.time_limit,
            affinity=_shape(cell, problem),
        )

    def _judge_task(self, index: int) -> Task:
        problem = self.study.problems[index]
        case = Case(
            problem=problem.problem,
            cells=tuple(self._done_of(index)),
            seed=problem.reference_seed,
            reference=self.study.reference,
            verdict=self.study.verdict,
        )
        return Task(
            key=problem.key,
            function="experiments.studies.judging:judge",
            payload=case,
            label=f"judging {_name(problem)}",
            time_limit=self.study.run.time_limit,
        )


def _unjudged(cell: CellRecord) -> Verdict:
    """Return the verdict on a cell that was due one and did not get so far."""
    sentence = f"Nothing can be said about {cell.cell.method} on {cell.cell.dataset}: {cell.message}."
    return Verdict("undecided", sentence, nan)


def _manifest(study: Study) -> Manifest:
    entries = []
    for index, problem in enumerate(study.problems):
        cells = tuple(cell.cell for cell in study.cells if cell.problem == index)
        entries.append(
            ProblemEntry(
                key=problem.key,
                dataset=problem.dataset,
                model=problem.model,
                repeat=problem.repeat,
                about_data=problem.about_data,
                about_model=problem.about_model,
                unit=problem.unit,
                cells=cells,
                features=problem.features,
                series=problem.series,
            )
        )
    return Manifest(
        study.name, study.config, study.seed, fingerprint.versions(), machine.describe(), tuple(entries)
    )


def _shape(cell: StudyCell, problem: StudyProblem) -> str:
    """Return what a compiled model depends on: cells that share it find each other's work in the cache."""
    mixture = problem.problem.mixture
    parts = (cell.kind, mixture.components.name, mixture.weights.name, mixture.n_components)
    return " ".join(map(str, (*parts, problem.problem.x.shape[1])))


def _name(problem: StudyProblem) -> str:
    repeat = f", repeat {problem.repeat}" if problem.repeat > 1 else ""
    return f"{problem.dataset} ({problem.model}{repeat})"
