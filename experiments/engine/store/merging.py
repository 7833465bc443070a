"""Several studies made one: the union of their cells, each as it is in its own store.

Rows go over as they are, and a file only if its bytes are what was written. So merging one study alone saves
what can be read of a damaged one.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.engine.places import place_of
from experiments.engine.store.files import clear_errors, read_tree
from experiments.engine.store.folder import Store
from experiments.engine.store.index import write_index
from experiments.engine.store.rows import TABLES
from experiments.records.study import Cell, CellRecord, Manifest, ProblemEntry
from hand_cavi import InputError

_Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Merged:
    """What came of it: the cells, those of them that have a result, and what was left out, in words."""

    cells: int
    done: int
    left_out: tuple[str, ...]


class _Source:
    """One study to be merged: its rows by table and key, and whether all of them could be read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        found = {table: store.readable_rows(table) for table in TABLES}
        self.rows: _Rows = {table: rows for table, (rows, _) in found.items()}
        self.judging_is_whole = all(found[table][1] for table in ("measurement", "verdict", "judged"))
        self.lost = [table for table, (_, whole) in found.items() if not whole]
        self.by_key = {table: {row[0]: row for row in rows} for table, rows in self.rows.items()}
        if "manifest" not in self.by_key["document"]:
            raise InputError(f"the study in {store.folder} has no table of contents; it cannot be merged")
        self.manifest = store.record_of(self.by_key["document"]["manifest"][1], Manifest)
        self.configs = store.configs()

    def is_intact(self, path: Path) -> bool:
        return self.store.is_intact(path, thorough=True)

    def status(self, key: str) -> str:
        row = self.by_key["cell"].get(key)
        return "missing" if row is None else self.store.record_of(row[1], CellRecord).status

    def has_cell(self, key: str) -> bool:
        """Whether there is a cell with this key, its draws, if any, undamaged."""
        row = self.by_key["cell"].get(key)
        return row is not None and (not row[2] or self.is_intact(self.store.draws_path(key)))


def merge(folders: Sequence[Path], into: Path) -> Merged:
    """Write a study that has the cells of all; it is there in full or, if something fails, not at all.

    A problem keeps its judgement if that is of all its cells; the others, and the study, are judged when the
    study is run again.

    Raises InputError if the studies do not go together, with one line for each reason, or `into` is taken.
    """
    if (into / "study.sqlite").exists():
        raise InputError(f"there is a study in {into} already; give another folder")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise InputError(f'"{into}" is not an empty folder; give another one')
    part = into.with_name(f".{into.name}.part")
    with ExitStack() as stack:
        stores = [stack.enter_context(Store.open(folder, writable=False)) for folder in folders]
        sources = [_Source(store) for store in stores]
        conflicts = _conflicts(sources)
        if conflicts:
            raise InputError("\n".join(["these studies do not go together:", *conflicts]))
        with clear_errors("write to", into):
            shutil.rmtree(part, ignore_errors=True)
            stack.callback(shutil.rmtree, part, ignore_errors=True)
            with Store.open(part) as target:
                found = _write(target, sources)
                write_index(target)
            (part / "study.lock").unlink(missing_ok=True)
            if into.exists():
                into.rmdir()
            os.replace(part, into)
    return found


def _conflicts(sources: Sequence[_Source]) -> list[str]:
    """Return what cannot be reconciled, a sentence each."""
    first, found = sources[0], []
    for other in sources[1:]:
        a, b = first.manifest, other.manifest
        if a.kind != b.kind:
            found.append(f"{first.store.folder} is of kind {a.kind}, {other.store.folder} of kind {b.kind}")
        elif a.seed != b.seed:
            found.append(f"the root seeds differ: {a.seed} and {b.seed}")
    problems: dict[str, tuple[ProblemEntry, _Source]] = {}
    cells: dict[str, tuple[Cell, _Source]] = {}
    for source in sources:
        for entry in source.manifest.problems:
            where = place_of(entry)
            former, owner = problems.setdefault(where, (entry, source))
            if former.key != entry.key:
                places = f"{owner.store.folder} and {source.store.folder}"
                what = "other data, priors, seeds, margins or versions stand behind them"
                found.append(f"{where} differs between {places}: {what}")
            for cell in entry.cells:
                place = place_of(cell)
                known, its = cells.setdefault(place, (cell, source))
                if reason := _disagree(known, its, cell, source):
                    names = f"{its.store.folder} and {source.store.folder}"
                    found.append(f"{place} differs between {names}: {reason}")
    return found


def _disagree(a: Cell, of_a: _Source, b: Cell, of_b: _Source) -> str:
    """Return in what two cells of one place disagree, or nothing."""
    if a.key != b.key:
        return "other settings, seeds, data or versions stand behind it"
    if of_a is of_b or (of_a.status(a.key), of_b.status(a.key)) != ("ok", "ok"):
        return ""
    if not of_a.has_cell(a.key) or not of_b.has_cell(a.key):
        return ""
    one, other = of_a.store.draws_path(a.key), of_b.store.draws_path(a.key)
    if not one.exists() or not other.exists() or one.read_bytes() == other.read_bytes():
        return ""
    return "" if read_tree(one).identical(read_tree(other)) else "the same computation gave other draws"


def _write(target: Store, sources: Sequence[_Source]) -> Merged:
    entries = _entries(sources)
    target.put_manifest(_manifest(sources, entries))
    texts = dict.fromkeys(text for source in sources for text in source.configs)
    target.put_configs(list(texts))
    done, left_out = 0, [f"{s.store.folder}: lost in part: {', '.join(s.lost)}" for s in sources if s.lost]
    for entry in entries:
        _copy_data(target, sources, entry)
        kept = []
        for cell in entry.cells:
            owners = sorted(
                (source for source in sources if source.has_cell(cell.key)),
                key=lambda source: source.status(cell.key) != "ok",
            )
            if owners:
                _copy(target, owners[0], owners[0].store.draws_path(cell.key))
                _insert(target, owners[0], "cell", cell.key)
                _insert(target, owners[0], "provenance", cell.key)
                if owners[0].status(cell.key) == "ok":
                    kept.append(cell.key)
            elif any(cell.key in source.by_key["cell"] for source in sources):
                left_out.append(f"{place_of(cell)}: the file of its draws is damaged")
        done += len(kept)
        _copy_judgement(target, sources, entry.key, set(kept))
    return Merged(sum(len(entry.cells) for entry in entries), done, tuple(left_out))


def _entries(sources: Sequence[_Source]) -> list[ProblemEntry]:
    """Return all problems, each with the cells of all, in the order of their first mention."""
    found: dict[str, ProblemEntry] = {}
    for entry in (entry for source in sources for entry in source.manifest.problems):
        former = found.get(entry.key, entry)
        cells = {cell.key: cell for cell in (*former.cells, *entry.cells)}
        found[entry.key] = replace(former, cells=tuple(cells.values()))
    return list(found.values())


def _manifest(sources: Sequence[_Source], entries: Sequence[ProblemEntry]) -> Manifest:
    """Return the table of contents; what differs of versions and machines stands side by side."""
    manifests = [source.manifest for source in sources]
    both = {
        field: {
            name: "; ".join(dict.fromkeys(getattr(one, field).get(name, "none") for one in manifests))
            for name in dict.fromkeys(name for one in manifests for name in getattr(one, field))
        }
        for field in ("versions", "machine")
    }
    config = "\n".join(dict.fromkeys(one.config for one in manifests))
    return replace(
        manifests[0],
        config=config,
        problems=tuple(entries),
        versions=both["versions"],
        machine=both["machine"],
    )


def _copy_data(target: Store, sources: Sequence[_Source], entry: ProblemEntry) -> None:
    for source in sources:
        if entry.key in source.by_key["problem"] and source.is_intact(source.store.data_path(entry.key)):
            _copy(target, source, source.store.data_path(entry.key))
            _insert(target, source, "problem", entry.key)
            return


def _copy_judgement(target: Store, sources: Sequence[_Source], key: str, kept: set[str]) -> None:
    """Copy a judgement of all the cells that are kept, if there is one whose rows are all there."""
    for source in sources:
        judged = {row[0] for row in source.rows["judged"] if row[1] == key}
        if key in source.by_key["judgement"] and source.judging_is_whole and kept and kept <= judged:
            _copy(target, source, source.store.reference_path(key))
            _insert(target, source, "judgement", key)
            for table in ("measurement", "verdict", "judged"):
                rows = [row for row in source.rows[table] if row[1] == key and row[0] in kept]
                target.insert_rows(table, rows)
            return


def _copy(target: Store, source: _Source, path: Path) -> None:
    """Copy a file that is there undamaged."""
    if source.is_intact(path):
        target.adopt(path, target.folder / path.relative_to(source.store.folder))


def _insert(target: Store, source: _Source, table: str, key: str) -> None:
    target.insert_rows(table, [row] if (row := source.by_key[table].get(key)) else [])
