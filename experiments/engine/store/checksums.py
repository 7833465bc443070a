"""The checksums of a study's array files, kept in its database beside their size and time.

A file whose size and time of change are those of the row is taken to be as it was written: so a study of a
thousand cells is looked through in milliseconds. Where they differ, and whenever the file is read, its bytes
are hashed.
"""

import sqlite3
from pathlib import Path

from experiments.engine.store.files import ArrayFile, checksum_of

_Stamp = tuple[int, int]


class Checksums:
    """Those of one study's folder; whoever calls `note` or `forget` holds a transaction open."""

    def __init__(self, folder: Path, database: sqlite3.Connection, *, writable: bool) -> None:
        self._folder = folder
        self._database = database
        self._writable = writable

    def note(self, path: Path) -> None:
        """Keep the checksum of a file that has just been written."""
        row = (self._name(path), checksum_of(path), *_stamp(path))
        self._database.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", row)

    def forget(self, path: Path) -> None:
        """Forget a file that is gone."""
        self._database.execute("DELETE FROM file WHERE name = ?", (self._name(path),))

    def known(self, path: Path) -> Path:
        """Return the path as one that is checked when it is read; as it is, if there is no checksum of it."""
        row = self._row(path)
        return ArrayFile.of(path, row[0]) if row else path

    def is_intact(self, path: Path, *, thorough: bool = False) -> bool:
        """Return whether a file is there as it was written; `thorough` hashes it, whatever its time says."""
        row = self._row(path)
        try:
            now = _stamp(path)
            if row is None or now[0] != row[1]:
                return False
            same_time = now == row[1:]
            if same_time and not thorough:
                return True
            if checksum_of(path) != row[0]:
                return False
        except OSError:
            return False
        if self._writable and not same_time:  # a copied folder: its files need no second look
            with self._database as database:
                update = "UPDATE file SET size = ?, changed_ns = ? WHERE name = ?"
                database.execute(update, (*now, self._name(path)))
        return True

    def _row(self, path: Path) -> tuple[str, int, int] | None:
        query = "SELECT CAST(checksum AS BLOB), size, changed_ns FROM file WHERE name = ?"
        row = self._database.execute(query, (self._name(path),)).fetchone()
        return row and (row[0].decode(errors="replace"), *row[1:])  # a damaged checksum fits no file

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
