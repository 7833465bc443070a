"""A study on disk: one SQLite file for records, netCDF for arrays, in one folder.

::

    study.sqlite                  manifest, cells, measurements, verdicts; JSON in columns that SQL can query
    study.lock                    held by the one run that writes
    study-format-1.sqlite         what an older version left, set aside
    draws/<cell key>.nc           canonical draws of a cell, a DataTree that ArviZ opens
    draws/reference-<problem key>.nc
    data/<problem key>.nc         x, sample_weight and truth, so that a report needs no data file

A row is written after its file is in place, and removed before its file is replaced: whoever is killed, and
whenever, leaves no row that speaks of draws which are not there in full. Readers need no lock.
"""

import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from experiments.engine.store.database import open_to_read, open_to_write
from experiments.engine.store.files import clear_errors, is_whole, read_tree, write_tree
from experiments.engine.store.jsonable import dumps, loads
from experiments.engine.store.problems import condensation_in, data_tree, problem_of
from experiments.engine.store.stored import StoredMeasurements, StoredProblem, StoredReference
from experiments.records import CellRecord, Condensation, Judgement, Manifest, Problem, Verdict
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Store:
    """A study's folder, open. Use `Store.open`, as a context manager."""

    def __init__(self, folder: Path, database: sqlite3.Connection, lock_descriptor: int | None) -> None:
        self.folder = folder
        self._database = database
        self._lock = lock_descriptor

    @classmethod
    def open(cls, folder: Path | str, *, writable: bool = True) -> Self:
        """Open the study in a folder; a writable one is made if it is not there.

        Raises InputError if the folder cannot be written to (or read), another run is writing there, or the
        study was written by a newer version (to be read: by any other).
        """
        folder = Path(folder)
        return cls(folder, *(open_to_write(folder) if writable else (open_to_read(folder), None)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the study, and let go of its lock."""
        self._database.close()
        if self._lock is not None:
            os.close(self._lock)

    # The study

    def put_manifest(self, manifest: Manifest) -> None:
        """Keep the study's table of contents, in place of an earlier one, whose verdict is forgotten.

        Raises InputError if the folder holds a study of another kind.
        """
        former = self.manifest()
        if former is not None and former.kind != manifest.kind:
            raise InputError(
                f'{self.folder} holds "{former.name}", a study of another kind ({former.kind}, this one is '
                f"{manifest.kind}); give one of the two another name, or another folder with --output"
            )
        self._put_document("manifest", manifest)
        with clear_errors("write to", self.folder), self._database as database:
            database.execute("DELETE FROM document WHERE name = 'verdict'")

    def manifest(self) -> Manifest | None:
        """Return the study's table of contents."""
        return self._document("manifest")

    def put_verdict(self, verdict: Verdict) -> None:
        """Keep the verdict on the whole study."""
        self._put_document("verdict", verdict)

    def verdict(self) -> Verdict | None:
        """Return the verdict on the whole study."""
        return self._document("verdict")

    # Problems

    def put_problem(self, key: str, problem: Problem) -> None:
        """Keep a problem's data and model, unless they are here in full: a key stands for its content."""
        if self._row("SELECT 1 FROM problem WHERE key = ?", key) and is_whole(self.data_path(key)):
            return
        with clear_errors("write to", self.folder):
            write_tree(self.data_path(key), data_tree(problem))
            row = (key, dumps(problem.mixture))
            with self._database as database:
                database.execute("INSERT OR REPLACE INTO problem VALUES (?, ?)", row)

    def problem(self, key: str) -> Problem | None:
        """Return a problem, whose data are read when they are asked for."""
        row = self._row("SELECT mixture FROM problem WHERE key = ?", key)
        if not row:
            return None
        mixture, path = loads(row[0]), self.data_path(key)

        def condensation() -> Condensation | None:
            with clear_errors("read", self.folder):
                return condensation_in(path)

        return StoredProblem(mixture, lambda: problem_of(self._read(path), mixture), condensation)

    # Cells

    def put_cell(self, record: CellRecord, draws: "xr.DataTree | None" = None) -> None:
        """Keep how a cell ended, in place of an earlier end; what was judged of that is forgotten.

        The record's `draws`, `measurements` and `verdict` are not kept: they have their own places.
        """
        key = record.cell.key
        text = dumps(replace(record, draws=None, measurements={}, verdict=None))
        with clear_errors("write to", self.folder):
            with self._database as database:
                self._forget_judgement(self._problems_judging(key))
                database.execute("DELETE FROM cell WHERE key = ?", (key,))
            _write_or_remove(self.draws_path(key), draws)
            with self._database as database:
                row = (key, text, draws is not None)
                database.execute("INSERT INTO cell (key, record, has_draws) VALUES (?, ?, ?)", row)

    def cell(self, key: str) -> CellRecord | None:
        """Return what is kept of a cell, with its measurements and its verdict if it was judged."""
        row = self._row("SELECT record, has_draws FROM cell WHERE key = ?", key)
        if not row:
            return None
        measured = self._rows("SELECT metric, record FROM measurement WHERE cell_key = ? ORDER BY rowid", key)
        judged = self._row("SELECT record FROM verdict WHERE cell_key = ?", key)
        return replace(
            loads(row[0]),
            draws=self.draws_path(key) if row[1] else None,
            measurements=StoredMeasurements(dict(measured)),
            verdict=loads(judged[0]) if judged else None,
        )

    def is_done(self, key: str) -> bool:
        """Return whether a cell ended ``ok`` and its draws, if it had any, are there in full."""
        row = self._row("SELECT status, has_draws FROM cell WHERE key = ?", key)
        return row is not None and row[0] == "ok" and (not row[1] or is_whole(self.draws_path(key)))

    # Judgements

    def put_judgement(self, problem_key: str, judgement: Judgement) -> None:
        """Keep what the judge found for a problem, in place of an earlier judgement."""
        reference = judgement.reference
        kept = replace(judgement, reference=replace(reference, draws=None), measurements={}, verdicts={})
        measured = [
            (cell_key, problem_key, metric, dumps(measurement))
            for cell_key, measurements in judgement.measurements.items()
            for metric, measurement in measurements.items()
        ]
        verdicts = [(cell_key, problem_key, dumps(v)) for cell_key, v in judgement.verdicts.items()]
        cells = [(cell_key, problem_key) for cell_key in sorted(judgement.cell_keys)]
        with clear_errors("write to", self.folder):
            with self._database:
                self._forget_judgement([problem_key])
            _write_or_remove(self.reference_path(problem_key), reference.draws)
            with self._database as database:
                database.execute(
                    "INSERT INTO judgement (problem_key, record, has_draws) VALUES (?, ?, ?)",
                    (problem_key, dumps(kept), reference.draws is not None),
                )
                database.executemany(
                    "INSERT OR REPLACE INTO measurement (cell_key, problem_key, metric, record)"
                    " VALUES (?, ?, ?, ?)",
                    measured,
                )
                insert = "INSERT OR REPLACE INTO verdict (cell_key, problem_key, record) VALUES (?, ?, ?)"
                database.executemany(insert, verdicts)
                database.executemany("INSERT OR REPLACE INTO judged VALUES (?, ?)", cells)

    def forget_judgements(self, cell_keys: Iterable[str]) -> None:
        """Forget what was judged of these cells, by whatever problem's judge."""
        with clear_errors("write to", self.folder), self._database:
            self._forget_judgement([key for cell in cell_keys for key in self._problems_judging(cell)])

    def judgement(self, problem_key: str) -> Judgement | None:
        """Return what the judge found for a problem but of its cells; a reference's draws are read later."""
        row = self._row("SELECT record, has_draws FROM judgement WHERE problem_key = ?", problem_key)
        if not row:
            return None
        kept: Judgement = loads(row[0])
        if not row[1]:
            return kept
        path = self.reference_path(problem_key)
        return replace(kept, reference=StoredReference(kept.reference, lambda: self._read(path)))

    def is_judged(self, problem_key: str, cell_keys: Iterable[str]) -> bool:
        """Return whether a problem was judged with all of these cells, and its reference is there in full."""
        row = self._row("SELECT has_draws FROM judgement WHERE problem_key = ?", problem_key)
        there = row is not None and (not row[0] or is_whole(self.reference_path(problem_key)))
        judged = self._rows("SELECT cell_key FROM judged WHERE problem_key = ?", problem_key)
        return there and set(cell_keys) <= {key for (key,) in judged}

    def content(self, problem_key: str, cell_keys: Iterable[str]) -> str:
        """Return the sha256 of all that is kept of a problem and of its cells.

        Of array files that is their size and the time of their last change.
        """
        digest, cells = sha256(), list(cell_keys)
        queries = (
            ("SELECT mixture FROM problem WHERE key = ?", [problem_key]),
            ("SELECT record FROM judgement WHERE problem_key = ?", [problem_key]),
            ("SELECT record FROM cell WHERE key = ?", cells),
            ("SELECT metric, record FROM measurement WHERE cell_key = ? ORDER BY rowid", cells),
            ("SELECT record FROM verdict WHERE cell_key = ?", cells),
        )
        for query, keys in queries:
            for key in keys:
                digest.update(repr((query, key, self._rows(query, key))).encode())
        files = (self.data_path(problem_key), self.reference_path(problem_key), *map(self.draws_path, cells))
        for path in files:
            with suppress(OSError):
                about = path.stat()
                digest.update(f"{path.name} {about.st_size} {about.st_mtime_ns}".encode())
        return digest.hexdigest()

    # Where files are

    def draws_path(self, cell_key: str) -> Path:
        """Return where a cell's draws are, or will be."""
        return self.folder / "draws" / f"{_as_file_name(cell_key)}.nc"

    def reference_path(self, problem_key: str) -> Path:
        """Return where the draws of a problem's reference are, or will be."""
        return self.folder / "draws" / f"reference-{_as_file_name(problem_key)}.nc"

    def data_path(self, problem_key: str) -> Path:
        """Return where a problem's data are, or will be."""
        return self.folder / "data" / f"{_as_file_name(problem_key)}.nc"

    def _read(self, path: Path) -> "xr.DataTree":
        with clear_errors("read", self.folder):
            return read_tree(path)

    # Rows

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with clear_errors("read", self.folder):
            return self._database.execute(query, values).fetchall()

    def _row(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        rows = self._rows(query, *values)
        return rows[0] if rows else None

    def _document(self, name: str) -> Any:
        row = self._row("SELECT record FROM document WHERE name = ?", name)
        return loads(row[0]) if row else None

    def _put_document(self, name: str, record: Any) -> None:
        with clear_errors("write to", self.folder), self._database as database:
            database.execute("INSERT OR REPLACE INTO document VALUES (?, ?)", (name, dumps(record)))

    def _problems_judging(self, cell_key: str) -> list[str]:
        return [key for (key,) in self._rows("SELECT problem_key FROM judged WHERE cell_key = ?", cell_key)]

    def _forget_judgement(self, problem_keys: list[str]) -> None:
        for table in ("judgement", "measurement", "verdict", "judged"):
            query = f"DELETE FROM {table} WHERE problem_key = ?"
            self._database.executemany(query, [(key,) for key in problem_keys])


def _write_or_remove(path: Path, draws: "xr.DataTree | None") -> None:
    if draws is None:
        path.unlink(missing_ok=True)
    else:
        write_tree(path, draws)


def _as_file_name(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot be a key: letters, digits, dots, dashes and underscores only")
    return key
