"""What a store keeps of the course of a run: what runs now, and how each number was made."""

from dataclasses import dataclass
from datetime import UTC, datetime

from experiments.engine.store.files import clear_errors
from experiments.engine.store.jsonable import dumps
from experiments.engine.store.opened import Opened
from experiments.engine.store.rows import put
from experiments.records.provenance import CellProvenance, StudyProvenance


@dataclass(frozen=True)
class KeptTask:
    """A task of the last run: ``running``, or how it ended; since when, and when it ended, or None."""

    key: str
    label: str
    state: str
    since: str
    ended: str | None


class Course(Opened):
    """What `Store` says of runs. Rows of tasks are for looking on; nothing is decided by them."""

    def put_run(self, provenance: StudyProvenance) -> None:
        """Keep what is true of a whole run, which begins; the tasks of the one before are forgotten."""
        self._put_document("provenance", provenance)
        with clear_errors("write to", self.folder), self._database as database:
            database.execute("DELETE FROM task")

    def run(self) -> StudyProvenance | None:
        """Return what is true of the whole of the last run."""
        return self._document("provenance", StudyProvenance)

    def put_started(self, key: str, label: str) -> None:
        """Note that a task has begun."""
        self._note_task("INSERT OR REPLACE INTO task VALUES (?, ?, 'running', ?, NULL)", key, label, now())

    def put_ended(self, key: str, state: str) -> None:
        """Note how a task ended: ``ok``, ``failed``, ..., see `Outcome`."""
        self._note_task("UPDATE task SET state = ?, ended = ? WHERE key = ?", state, now(), key)

    def tasks(self) -> list[KeptTask]:
        """Return the tasks of the last run that have begun, in their order."""
        return [KeptTask(*row) for row in self._rows("SELECT * FROM task ORDER BY since, rowid")]

    def provenances(self) -> dict[str, CellProvenance]:
        """Return how the cells that have a result were made, by key."""
        rows = self._kept("provenance", "ORDER BY rowid")
        return {key: self.record_of(text, CellProvenance) for key, text in rows}

    def _put_provenance(self, cell_key: str, provenance: CellProvenance | None) -> None:
        """Keep how a cell was made, within the caller's transaction."""
        self._database.execute("DELETE FROM provenance WHERE cell_key = ?", (cell_key,))
        if provenance is not None:
            put(self._database, "provenance", cell_key, dumps(provenance))

    def _note_task(self, query: str, *values: str) -> None:
        """Write without waiting for the disk: what a power cut takes of this is not missed."""
        with clear_errors("write to", self.folder):
            self._database.execute("PRAGMA synchronous = NORMAL")
            try:
                with self._database as database:
                    database.execute(query, values)
            finally:
                self._database.execute("PRAGMA synchronous = FULL")


def now() -> str:
    """Return the time in UTC, as ISO 8601 has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
