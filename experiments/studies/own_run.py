"""Running a study of a user's own models: the workers, the store and the resuming are those of every study.

A study's folder holds the same files as one of mixtures, but no ``data/``: the data are in the user's module.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from math import nan
from pathlib import Path

from experiments.studies.own_config import CustomConfig, is_custom
from experiments.config.options import ReferenceOptions
from experiments.studies.judging import Case
from experiments.studies.own import CustomCell, CustomStudyProblem, lay_out
from experiments.methods import label
from experiments.records import CellRecord, Reference, Verdict
from experiments.engine.store.folder import Store
from experiments.records import Judgement, Manifest, ProblemEntry
from experiments.engine import fingerprint
from experiments.verdict import verdict_of_study
from experiments.studies.tasks import as_record
from experiments.engine.workers import machine
from experiments.engine.workers.caches import compile_cache
from experiments.engine.workers.pool import Outcome, Pool, Task
from experiments.engine.workers.progress import Progress
from hand_cavi import InputError

_NOT_JUDGED = Verdict("none", "This has not been judged yet.", nan)
_NO_REFERENCE = Reference("none", False, "The problem has not been judged yet.")


@dataclass(frozen=True)
class CustomProblemRecord:
    """One of a user's problems with all its cells; fields as in `experiments.records.ProblemRecord`."""

    dataset: str
    model: str
    repeat: int
    about_data: str
    about_model: str
    reference: Reference
    cells: tuple[CellRecord, ...]


@dataclass(frozen=True)
class CustomStudyRecord:
    """A whole study of a user's own models; fields as in `experiments.records.StudyRecord`."""

    name: str
    folder: Path
    verdict: Verdict
    problems: tuple[CustomProblemRecord, ...]
    config: str
    seed: int
    versions: dict[str, str]
    machine: dict[str, str]


def run_custom(
    config: CustomConfig, *, folder: Path, workers: int | None = None, progress: bool = True
) -> CustomStudyRecord:
    """Run what is pending of a study, judge it, and return all of it.

    Raises
    ------
    InputError
        If the folder cannot be used, or another run is using it.
    """
    problems = lay_out(config)
    with Store.open(folder) as store:
        store.put_manifest(_manifest(config, problems))
        _Run(config, problems, store).complete(workers or config.run.workers or machine.cores(), progress)
        return _record(store)


def load_custom(folder: Path) -> CustomStudyRecord | None:
    """Return a stored study of a user's own models; None if it is one of mixtures.

    Raises
    ------
    InputError
        If the folder holds no study.
    """
    with Store.open(folder, writable=False) as store:
        manifest = store.manifest()
        if manifest is None or not is_custom(manifest.config):
            return None
        return _record(store)


class _Run:
    """One pass over the study."""

    def __init__(self, config: CustomConfig, problems: tuple[CustomStudyProblem, ...], store: Store) -> None:
        self.config = config
        self.problems = {problem.key: problem for problem in problems}
        self.store = store
        self.cells = {cell.cell.key: (cell, problem) for problem in problems for cell in problem.cells}
        self.open: dict[str, set[str]] = {
            problem.key: {c.cell.key for c in problem.cells if not store.is_done(c.cell.key)}
            for problem in problems
        }

    def complete(self, workers: int, progress: bool) -> None:
        """Run pending cells, judge each problem when its last cell has ended, then the study."""
        unjudged = [key for key in self.problems if self.open[key] or not self._is_judged(key)]
        pending = [key for key in self.cells if any(key in keys for keys in self.open.values())]
        if unjudged:
            display = Progress(
                len(pending) + len(unjudged), workers=workers, kept=len(self.cells) - len(pending)
            )
            with (
                display if progress else nullcontext(),
                Pool(workers, on_event=display if progress else None, environment=compile_cache) as pool,
            ):
                for key in pending:
                    pool.submit(self._fit_task(*self.cells[key]))
                for key in unjudged:
                    if not self.open[key]:
                        pool.submit(self._judge_task(key))
                for outcome in pool.results():
                    self._take(outcome, pool)
        self._conclude()

    def _take(self, outcome: Outcome, pool: Pool) -> None:
        if outcome.key in self.problems:
            reason = f"judging {outcome.status.replace('_', ' ')}: {outcome.message}"
            judgement = (
                outcome.value if outcome.status == "ok" else Judgement(Reference("none", False, reason))
            )
            self.store.put_judgement(outcome.key, judgement)
            return
        cell, problem = self.cells[outcome.key]
        record, result = as_record(cell.cell, outcome)
        self.store.put_cell(record, result.draws if result else None)
        self.open[problem.key].discard(outcome.key)
        if not self.open[problem.key]:
            pool.submit(self._judge_task(problem.key))

    def _conclude(self) -> None:
        judged = [cell for cell, _ in self.cells.values() if cell.judged]
        records = [record for cell in judged if (record := self.store.cell(cell.cell.key))]
        verdicts = [record.verdict or _unjudged(record) for record in records]
        names = dict.fromkeys(label(cell.cell.method) for cell in judged)
        self.store.put_verdict(verdict_of_study(verdicts, subject=" or ".join(names)))

    def _done_of(self, key: str) -> list[CellRecord]:
        records = [self.store.cell(cell.cell.key) for cell in self.problems[key].cells]
        return [record for record in records if record and record.status == "ok"]

    def _is_judged(self, key: str) -> bool:
        return self.store.is_judged(key, [record.cell.key for record in self._done_of(key)])

    def _fit_task(self, cell: CustomCell, problem: CustomStudyProblem) -> Task:
        return Task(
            key=cell.cell.key,
            function="experiments.methods.own.fitting:fit_cell",
            payload=cell.assignment,
            label=f"{cell.cell.method} on {problem.model.name}",
            time_limit=self.config.run.time_limit,
            affinity=f"{cell.assignment.kind} {problem.model.where}",
        )

    def _judge_task(self, key: str) -> Task:
        return Task(
            key=key,
            function="experiments.studies.judging:judge_problem",
            payload=Case(None, tuple(self._done_of(key)), 0, ReferenceOptions(), self.config.verdict),
            label=f"judging {self.problems[key].model.name}",
            time_limit=self.config.run.time_limit,
        )


def _unjudged(cell: CellRecord) -> Verdict:
    sentence = f"Nothing can be said about {cell.cell.method} on {cell.cell.model}: {cell.message}."
    return Verdict("undecided", sentence, nan)


def _manifest(config: CustomConfig, problems: tuple[CustomStudyProblem, ...]) -> Manifest:
    entries = tuple(
        ProblemEntry(
            key=one.key,
            dataset=one.dataset,
            model=one.model.name,
            repeat=one.repeat,
            about_data=one.model.problem.about_data,
            about_model=one.model.problem.about_model,
            unit="",
            cells=tuple(cell.cell for cell in one.cells),
        )
        for one in problems
    )
    return Manifest(
        config.name, config.text, config.seed, fingerprint.versions(), machine.describe(), entries
    )


def _record(store: Store) -> CustomStudyRecord:
    manifest = store.manifest()
    if manifest is None:
        raise InputError(f"there is no study in {store.folder} yet; run one there first")
    problems = []
    for entry in manifest.problems:
        judgement = store.judgement(entry.key)
        cells = [
            store.cell(cell.key) or CellRecord(cell, "missing", "It has not been run.")
            for cell in entry.cells
        ]
        problems.append(
            CustomProblemRecord(
                entry.dataset,
                entry.model,
                entry.repeat,
                entry.about_data,
                entry.about_model,
                judgement.reference if judgement else _NO_REFERENCE,
                tuple(cells),
            )
        )
    return CustomStudyRecord(
        manifest.name,
        store.folder,
        store.verdict() or _NOT_JUDGED,
        tuple(problems),
        manifest.config,
        manifest.seed,
        manifest.versions,
        manifest.machine,
    )
