"""How a study stands, also while it runs: what is done, runs, failed, waits or is damaged; the time left."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean

from experiments.engine.places import place_of
from experiments.engine.store.course import KeptTask, now
from experiments.engine.store.folder import Store
from experiments.engine.store.locking import is_held
from experiments.records.provenance import CellProvenance, StudyProvenance
from experiments.records.study import Manifest
from hand_cavi import InputError

_ROWS = {
    "problem": "the model of",
    "cell": "the record of",
    "judgement": "the judgement of",
    "measurement": "what was measured of",
    "verdict": "the verdict on",
    "provenance": "how this was made:",
}
"""What a row of a table tells, as a sentence calls it."""


@dataclass(frozen=True)
class CellStanding:
    """One cell: its place in the study, see `place_of`, and how it stands.

    `status` is that of `CellRecord`, or ``running``, ``pending`` or ``stopped`` (it ran when the run ended);
    `printed` the end of what it printed; `file` that of its draws, within the study's folder, empty if it has
    none; `provenance` how it was made.
    """

    place: str
    key: str
    status: str
    message: str = ""
    printed: str = ""
    file: str = ""
    provenance: CellProvenance | None = None


@dataclass(frozen=True)
class Standing:
    """A study, as it stands.

    Attributes
    ----------
    is_running : bool
        Whether a run holds its folder now.
    run : StudyProvenance or None
        Of the last run, or the one that is under way.
    tasks : tuple of KeptTask
        That run, or ran when the run ended.
    judged, problems : int
        How many problems have been judged, of how many.
    seconds_left : float or None
        Of the run that is under way, None where it cannot be told.
    damaged : tuple of str
        What has files that are missing or damaged, each with its file; see `checksums` for what is looked at.
    """

    name: str
    kind: str
    is_running: bool
    run: StudyProvenance | None
    cells: tuple[CellStanding, ...]
    tasks: tuple[KeptTask, ...]
    judged: int
    problems: int
    seconds_left: float | None
    damaged: tuple[str, ...]

    def with_status(self, *statuses: str) -> list[CellStanding]:
        """Return the cells of these statuses."""
        return [cell for cell in self.cells if cell.status in statuses]

    @property
    def failed(self) -> list[CellStanding]:
        """The cells that ended without a result."""
        fine = ("ok", "running", "pending", "stopped")
        return [cell for cell in self.cells if cell.status not in fine]


def standing(folder: Path) -> Standing:
    """Return how the study in a folder stands; nothing is computed, and no run disturbed.

    Raises InputError if there is none, or it cannot be read.
    """
    is_running = is_held(folder)
    with Store.open(folder, writable=False) as store:
        manifest = store.manifest()
        if manifest is None:
            raise InputError(f"there is no study in {folder} yet; run one there first")
        run, tasks = store.run(), store.tasks()
        under_way = {task.key: task for task in tasks if task.ended is None}
        cells = _cells(store, manifest, under_way, is_running)
        judged = store.judged_problems()
        left = _seconds_left(manifest, cells, judged, tasks, run) if is_running else None
        return Standing(
            name=manifest.name,
            kind=manifest.kind,
            is_running=is_running,
            run=run,
            cells=cells,
            tasks=tuple(under_way.values()),
            judged=sum(entry.key in judged for entry in manifest.problems),
            problems=len(manifest.problems),
            seconds_left=left,
            damaged=_damaged(store, manifest),
        )


def damaged_files(folder: Path) -> tuple[str, ...]:
    """Return what has files that are missing or damaged, in words, each with its file."""
    with Store.open(folder, writable=False) as store:
        manifest = store.manifest()
        return () if manifest is None else _damaged(store, manifest)


def _damaged(store: Store, manifest: Manifest) -> tuple[str, ...]:
    names = {store.draws_path(cell.key): place_of(cell) for one in manifest.problems for cell in one.cells}
    for entry in manifest.problems:
        names[store.reference_path(entry.key)] = f"the reference of {place_of(entry)}"
        names[store.data_path(entry.key)] = f"the data of {place_of(entry)}"
    files = [
        f"{names[path]} ({path.relative_to(store.folder).as_posix()})"
        for path in store.damaged()
        if path in names
    ]
    return (*files, *_altered(store, manifest))


def _altered(store: Store, manifest: Manifest) -> list[str]:
    """Return in words which rows of the database were altered."""
    places = {cell.key: place_of(cell) for one in manifest.problems for cell in one.cells}
    places |= {entry.key: place_of(entry) for entry in manifest.problems}
    found = [
        f"{_ROWS[table]} {places[row[0]]}" if table in _ROWS else f"the study's {row[0]}"
        for table, row in store.altered()
        if table not in _ROWS or row[0] in places
    ]
    return [f"{what} (study.sqlite)" for what in dict.fromkeys(found)]


def _cells(
    store: Store, manifest: Manifest, under_way: dict[str, KeptTask], is_running: bool
) -> tuple[CellStanding, ...]:
    ended, made, files = store.ends(), store.provenances(), store.files()
    found = []
    for cell in (cell for entry in manifest.problems for cell in entry.cells):
        status, message, printed = ended.get(cell.key, ("pending", "", ""))
        if cell.key in under_way:
            status, message = ("running", "") if is_running else ("stopped", "It ran when the run ended.")
            printed = ""
        path = store.draws_path(cell.key)
        file = path.relative_to(store.folder).as_posix() if path in files else ""
        place = CellStanding(place_of(cell), cell.key, status, message, printed, file, made.get(cell.key))
        found.append(place)
    return tuple(found)


def _seconds_left(
    manifest: Manifest,
    cells: tuple[CellStanding, ...],
    judged: set[str],
    tasks: list[KeptTask],
    run: StudyProvenance | None,
) -> float | None:
    """Estimate the wall time left: each task lasts as its like did in this run, shared out evenly."""
    likes = {cell.key: cell.method for entry in manifest.problems for cell in entry.cells}
    lasted: dict[str, list[float]] = {}
    for task in tasks:
        if task.ended is not None:
            lasted.setdefault(likes.get(task.key, ""), []).append(_seconds(task.since, task.ended))
    if not lasted or run is None:
        return None
    overall = fmean(seconds for several in lasted.values() for seconds in several)
    guess = {like: fmean(several) for like, several in lasted.items()}
    begun = {task.key: _seconds(task.since, now()) for task in tasks if task.ended is None}
    over = {task.key for task in tasks if task.ended is not None}
    waiting = [cell.key for cell in cells if cell.status in ("pending", "running")]
    waiting += [entry.key for entry in manifest.problems if entry.key not in judged and entry.key not in over]
    if not waiting:
        return None
    left = [max(guess.get(likes.get(key, ""), overall) - begun.get(key, 0.0), 0.0) for key in waiting]
    return max([sum(left) / run.workers, *left])


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
