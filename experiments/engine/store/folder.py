"""A study on disk: one SQLite file for records, netCDF for arrays, in one folder.

::

    study.sqlite                  manifest, cells, measurements, verdicts; JSON in columns that SQL can query
    study.lock, study.process     held by the one run that writes; the number of its process
    study-format-1.sqlite         what an older version left, set aside
    draws/<cell key>.nc           canonical draws of a cell, a DataTree that ArviZ opens
    draws/reference-<problem key>.nc, draws/index.csv, which says whose these files are
    data/<problem key>.nc         x, sample_weight and truth, so that a report needs no data file

A row is written after its file is in place, and removed before its file is replaced: whoever is killed, and
whenever, leaves no row that speaks of draws which are not there in full. The checksum of each file is written
with the row, see `checksums`. Readers need no lock.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.engine.store.course import Course
from experiments.engine.store.files import clear_errors, read_tree, write_tree
from experiments.engine.store.jsonable import dumps
from experiments.engine.store.problems import condensation_in, data_tree, problem_of
from experiments.engine.store.rows import put
from experiments.engine.store.stored import StoredMeasurements, StoredProblem, StoredReference, of_one_shape
from experiments.records import CellRecord, Condensation, Judgement, Manifest, Measurement, Problem, Verdict
from experiments.records.provenance import CellProvenance
from hand_cavi import InputError, Mixture

if TYPE_CHECKING:
    import xarray as xr


class Store(Course):
    """A study's folder, open. Use `Store.open`, as a context manager."""

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
            database.execute("DELETE FROM document WHERE name IN ('verdict', 'configs')")

    def manifest(self) -> Manifest | None:
        """Return the study's table of contents.

        Raises InputError if it was altered.
        """
        found = self._document("manifest", Manifest)
        if found is None and self._row("SELECT 1 FROM document WHERE name = 'manifest'"):
            raise self._damage()
        return found

    def configs(self) -> tuple[str, ...]:
        """Return the configurations of what is in this study: several, if it was merged from several."""
        manifest = self.manifest()
        return tuple(self._document("configs", list) or ([manifest.config] if manifest else []))

    def put_configs(self, configs: list[str]) -> None:
        """Keep the configurations of what was merged."""
        self._put_document("configs", configs)

    def put_verdict(self, verdict: Verdict) -> None:
        """Keep the verdict on the whole study."""
        self._put_document("verdict", verdict)

    def verdict(self) -> Verdict | None:
        """Return the verdict on the whole study."""
        return self._document("verdict", Verdict)

    # Problems

    def put_problem(self, key: str, problem: Problem) -> None:
        """Keep a problem's data and model, unless they are here undamaged: a key stands for its content."""
        path = self.data_path(key)
        if self._kept("problem", "WHERE key = ?", key) and self.is_intact(path, thorough=True):
            return
        with clear_errors("write to", self.folder):
            write_tree(path, data_tree(problem))
            with self._database as database:
                put(database, "problem", key, dumps(problem.mixture))
                self._checksums.note(path)

    def problem(self, key: str) -> Problem | None:
        """Return a problem, whose data are read when they are asked for.

        That raises InputError if they are damaged; `put_problem` writes them anew.
        """
        rows = self._kept("problem", "WHERE key = ?", key)
        if not rows:
            return None
        mixture, path = self.record_of(rows[0][1], Mixture), self._known(self.data_path(key))

        def whole() -> Problem:
            with clear_errors("read", self.folder):
                return problem_of(read_tree(path), mixture)

        def condensation() -> Condensation | None:
            with clear_errors("read", self.folder):
                return condensation_in(path)

        return StoredProblem(mixture, whole, condensation)

    # Cells

    def put_cell(
        self, record: CellRecord, draws: "xr.DataTree | None" = None, provenance: CellProvenance | None = None
    ) -> None:
        """Keep how a cell ended and was made; an earlier end, and what was judged of it, is forgotten.

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
                put(database, "cell", key, text, draws is not None)
                self._note(self.draws_path(key), draws)
                self._put_provenance(key, provenance)

    def cell(self, key: str) -> CellRecord | None:
        """Return what is kept of a cell, with its measurements and its verdict if it was judged."""
        rows = self._kept("cell", "WHERE key = ?", key)
        if not rows:
            return None
        _, text, has_draws = rows[0]
        measured = {
            row[2]: row[3] for row in self._kept("measurement", "WHERE cell_key = ? ORDER BY rowid", key)
        }
        judged = self._kept("verdict", "WHERE cell_key = ?", key)
        return replace(
            self.record_of(text, CellRecord),
            draws=self._known(self.draws_path(key)) if has_draws else None,
            measurements=StoredMeasurements(measured, self._measurement),
            verdict=self.record_of(judged[0][2], Verdict) if judged else None,
        )

    def is_done(self, key: str, *, thorough: bool = False) -> bool:
        """Return whether a cell ended ``ok`` and its draws, if it had any, are there undamaged.

        `thorough` has their bytes looked at, whatever their time of change says; see `checksums`.
        """
        row = self._row("SELECT status, has_draws FROM cell WHERE key = ?", key)
        if row is None or row[0] != "ok":
            return False
        return not row[1] or self.is_intact(self.draws_path(key), thorough=thorough)

    def ends(self) -> dict[str, tuple[str, str, str]]:
        """Return the status of every cell that ended, its message, and what it printed, by key."""
        whole = {key for key, *_ in self._kept("cell")}
        fields = ", ".join(f"json_extract(record, '$.{name}')" for name in ("status", "message", "printed"))
        rows = self._rows(f"SELECT key, {fields} FROM cell WHERE json_valid(record)")
        return {key: (str(a), str(b), str(c or "")) for key, a, b, c in rows if key in whole}

    def forget_what_is_not_in_the_manifest(self) -> None:
        """Forget cells and problems that are no longer in the study; their files are the caller's."""
        manifest = self.manifest()
        entries = manifest.problems if manifest else ()
        cells = {cell.key for entry in entries for cell in entry.cells}
        problems = {entry.key for entry in entries}
        keys = {
            "cell": ("key", cells),
            "provenance": ("cell_key", cells),
            "measurement": ("cell_key", cells),
            "verdict": ("cell_key", cells),
            "judged": ("cell_key", cells),
            "problem": ("key", problems),
            "judgement": ("problem_key", problems),
        }
        gone = [path for path, key in self.files().items() if key not in cells | problems]
        with clear_errors("write to", self.folder), self._database as database:
            for path in gone:
                self._checksums.forget(path)
            for table, (column, kept) in keys.items():
                there = {key for (key,) in database.execute(f"SELECT DISTINCT {column} FROM {table}")}
                delete = f"DELETE FROM {table} WHERE {column} = ?"
                database.executemany(delete, [(key,) for key in there - kept])

    # Judgements

    def put_judgement(self, problem_key: str, judgement: Judgement) -> None:
        """Keep what the judge found for a problem, in place of an earlier judgement."""
        reference = judgement.reference
        kept = replace(judgement, reference=replace(reference, draws=None), measurements={}, verdicts={})
        found = [
            ("measurement", cell_key, problem_key, metric, dumps(measurement))
            for cell_key, measurements in judgement.measurements.items()
            for metric, measurement in measurements.items()
        ]
        verdicts = [("verdict", key, problem_key, dumps(one)) for key, one in judgement.verdicts.items()]
        cells = [(cell_key, problem_key) for cell_key in sorted(judgement.cell_keys)]
        with clear_errors("write to", self.folder):
            with self._database:
                self._forget_judgement([problem_key])
            _write_or_remove(self.reference_path(problem_key), reference.draws)
            with self._database as database:
                put(database, "judgement", problem_key, dumps(kept), reference.draws is not None)
                self._note(self.reference_path(problem_key), reference.draws)
                for row in (*found, *verdicts):
                    put(database, *row)
                database.executemany("INSERT OR REPLACE INTO judged VALUES (?, ?)", cells)

    def forget_judgements(self, cell_keys: Iterable[str]) -> None:
        """Forget what was judged of these cells, by whatever problem's judge."""
        with clear_errors("write to", self.folder), self._database:
            self._forget_judgement([key for cell in cell_keys for key in self._problems_judging(cell)])

    def judgement(self, problem_key: str) -> Judgement | None:
        """Return what the judge found for a problem but of its cells; a reference's draws are read later.

        There are none if their file is damaged, see `damaged`.
        """
        rows = self._kept("judgement", "WHERE problem_key = ?", problem_key)
        if not rows:
            return None
        kept = self.record_of(rows[0][1], Judgement)
        if not rows[0][2]:
            return kept
        path = self._known(self.reference_path(problem_key))

        def draws() -> "xr.DataTree | None":
            try:
                return read_tree(path)
            except (InputError, FileNotFoundError):
                return None

        return replace(kept, reference=StoredReference(kept.reference, draws))

    def judged_problems(self) -> set[str]:
        """Return the keys of the problems of which there is a judgement, of whatever cells."""
        return {key for (key,) in self._rows("SELECT problem_key FROM judgement")}

    def is_judged(self, problem_key: str, cell_keys: Iterable[str]) -> bool:
        """Return whether a problem was judged with all of these cells, and its reference is there in full."""
        row = self._row("SELECT has_draws FROM judgement WHERE problem_key = ?", problem_key)
        there = row is not None and (not row[0] or self.is_intact(self.reference_path(problem_key)))
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

    # Rows

    def _measurement(self, text: str) -> Measurement:
        if not of_one_shape(found := self.record_of(text, Measurement)):
            raise self._damage()
        return found

    def _note(self, path: Path, draws: "xr.DataTree | None") -> None:
        if draws is None:
            self._checksums.forget(path)
        else:
            self._checksums.note(path)


def _write_or_remove(path: Path, draws: "xr.DataTree | None") -> None:
    if draws is None:
        path.unlink(missing_ok=True)
    else:
        write_tree(path, draws)
