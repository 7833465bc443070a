"""A study's folder, open: its rows, its documents, and where its files are."""

import re
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from experiments.engine.store import rows as table_rows
from experiments.engine.store.checksums import Checksums
from experiments.engine.store.database import open_to_read, open_to_write
from experiments.engine.store.files import clear_errors, read_tree
from experiments.engine.store.jsonable import DamagedError, dumps, loads
from experiments.engine.store.locking import FolderLock
from experiments.engine.store.salvage import rows_of, what_can_be_saved
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Opened:
    """What `Store` stands on."""

    def __init__(self, folder: Path, database: sqlite3.Connection, lock: FolderLock | None) -> None:
        self.folder = folder
        self._database = database
        self._lock = lock
        self._checksums = Checksums(folder, database, writable=lock is not None)

    @classmethod
    def open(cls, folder: Path | str, *, writable: bool = True) -> Self:
        """Open the study in a folder; a writable one is made if it is not there.

        Raises InputError if the folder cannot be written to (or read), another run is writing there, the
        database is damaged, or the study was written by a newer version (to be read: or a much older one).
        """
        folder = Path(folder)
        return cls(folder, *(open_to_write(folder) if writable else (open_to_read(folder), None)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the study, and let go of its lock."""
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    # Files

    def draws_path(self, cell_key: str) -> Path:
        """Return where a cell's draws are, or will be."""
        return self.folder / "draws" / f"{_as_file_name(cell_key)}.nc"

    def reference_path(self, problem_key: str) -> Path:
        """Return where the draws of a problem's reference are, or will be."""
        return self.folder / "draws" / f"reference-{_as_file_name(problem_key)}.nc"

    def data_path(self, problem_key: str) -> Path:
        """Return where a problem's data are, or will be."""
        return self.folder / "data" / f"{_as_file_name(problem_key)}.nc"

    def files(self) -> dict[Path, str]:
        """Return the array files that the database speaks of, each with its cell's or problem's key."""
        owners = (
            (self.draws_path, "SELECT key FROM cell WHERE has_draws"),
            (self.reference_path, "SELECT problem_key FROM judgement WHERE has_draws"),
            (self.data_path, "SELECT key FROM problem"),
        )
        return {path_of(key): key for path_of, query in owners for (key,) in self._rows(query)}

    def reference_method(self, problem_key: str) -> str:
        """Return what the draws of a problem's reference are by."""
        query = "SELECT json_extract(record, '$.reference.method') FROM judgement WHERE problem_key = ?"
        row = self._row(query, problem_key)
        return str(row[0]) if row else ""

    def damaged(self) -> list[Path]:
        """Return the files that are missing or damaged; `checksums` has what is looked at."""
        return [path for path in self.files() if not self.is_intact(path)]

    def adopt(self, path: Path, copy: Path) -> None:
        """Copy a file of another study to its place here, and keep its checksum."""
        with clear_errors("write to", self.folder):
            shutil.copy2(path, copy)
            with self._database:
                self._checksums.note(copy)

    def is_intact(self, path: Path, *, thorough: bool = False) -> bool:
        """Return whether a file is there as it was written; `thorough` hashes it, whatever its time says."""
        with clear_errors("read", self.folder):
            return self._checksums.is_intact(path, thorough=thorough)

    def _known(self, path: Path) -> Path:
        with clear_errors("read", self.folder):
            return self._checksums.known(path)

    def _read(self, path: Path) -> "xr.DataTree":
        return read_tree(self._known(path))

    # Rows

    def readable_rows(self, table: str) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the rows of a table that can be read, as `columns_of` has them, and whether that is all."""
        with clear_errors("read", self.folder):
            return rows_of(self._database, table)

    def insert_rows(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows of another study, as `readable_rows` gives them."""
        with clear_errors("write to", self.folder), self._database as database:
            table_rows.insert(database, table, rows)

    def altered(self) -> list[tuple[str, table_rows.Row]]:
        """Return the rows that are not as they were written, each with its table; nobody else reads them."""
        with clear_errors("read", self.folder):
            return [(table, row) for table, _, row in table_rows.altered(self._database)]

    def why_missing(self, cell_key: str) -> str:
        """Return in a sentence why there is no record of a cell."""
        there = self._row("SELECT 1 FROM cell WHERE key = ?", cell_key)
        return "Its record was altered; run the study again." if there else "It has not been run."

    def forget_altered(self) -> None:
        """Forget rows that are not as they were written, and judgements that lack one: both are made anew.

        It comes before anything that is asked of the store of a run.
        """
        with clear_errors("write to", self.folder), self._database as database:
            for table, number, row in table_rows.altered(database):
                database.execute(f"DELETE FROM {table} WHERE rowid = ?", (number,))
                if table in ("measurement", "verdict"):
                    self._forget_judgement([row[1], *self._problems_judging(row[0])])

    def _problems_judging(self, cell_key: str) -> list[str]:
        return [key for (key,) in self._rows("SELECT problem_key FROM judged WHERE cell_key = ?", cell_key)]

    def _forget_judgement(self, problem_keys: list[str]) -> None:
        for table in ("judgement", "measurement", "verdict", "judged"):
            query = f"DELETE FROM {table} WHERE problem_key = ?"
            self._database.executemany(query, [(key,) for key in problem_keys])

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with clear_errors("read", self.folder):
            return self._database.execute(query, values).fetchall()

    def _row(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        rows = self._rows(query, *values)
        return rows[0] if rows else None

    def _kept(self, table: str, where: str = "", *values: Any) -> list[tuple[Any, ...]]:
        """Return rows that are as they were written, with the columns of `rows.TABLES`."""
        with clear_errors("read", self.folder):
            return table_rows.kept(self._database, table, where, *values)

    def _document[T](self, name: str, kind: type[T]) -> T | None:
        rows = self._kept("document", "WHERE name = ?", name)
        return self.record_of(rows[0][1], kind) if rows else None

    def _put_document(self, name: str, record: Any) -> None:
        with clear_errors("write to", self.folder), self._database as database:
            table_rows.put(database, "document", name, dumps(record))

    def record_of[T](self, text: str, kind: type[T]) -> T:
        """Return the record of this kind that a row holds.

        Raises InputError if it is none, or names code of the user's own.
        """
        try:
            return loads(text, kind)
        except DamagedError:
            raise self._damage() from None

    def _damage(self) -> InputError:
        said = what_can_be_saved(self.folder)
        unreadable = f"study.sqlite in {self.folder} is damaged: it holds a record that cannot be read"
        return InputError(said or f"{unreadable}; move the file away and run the study again")


def _as_file_name(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InputError(f"{key!r} cannot be a key: letters, digits, dots, dashes and underscores only")
    return key
