"""What can be saved of a study whose database is damaged: the rows that SQLite still reads."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from experiments.engine.store.rows import RECORDS, TABLES, columns_of, is_as_written, with_checksum

_JSON = {"record", "mixture"}
_LONGEST = 160  # characters of what SQLite says


def what_can_be_saved(folder: Path) -> str:
    """Return a sentence on a damaged database, and how to go on; empty if all of it can be read."""
    path = folder / "study.sqlite"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = {table: rows_of(database, table) for table in TABLES}
            trouble = _integrity(database)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        found, trouble = {}, str(error)
    lost = [table for table, (_, whole) in found.items() if not whole]
    if found and not lost and not trouble:
        return ""
    read = ", ".join(f"{table} ({len(rows)})" for table, (rows, _) in found.items() if rows) or "none"
    n_files = sum(1 for place in ("draws", "data") for _ in (folder / place).glob("*.nc"))
    if found and found["cell"][0] and any(row[0] == "manifest" for row in found["document"][0]):
        how = (
            f'"elbowroom merge {folder} --output NEW" copies these rows and files to a new study; run that '
            "one again, and only what was lost is computed"
        )
    else:
        how = (
            f'that is too little to go on from; try "sqlite3 {path} .recover", or move the file away and run '
            "the study again"
        )
    said = f" (SQLite says: {trouble})" if trouble else ""
    partly = f"; lost in part: {', '.join(lost)}" if lost else ""
    return (
        f"{path} is damaged{said}. The {n_files} files in draws and data are another matter, each has its "
        f"own checksum. Rows that can still be read: {read}{partly}. Therefore: {how}"
    )


def rows_of(database: sqlite3.Connection, table: str) -> tuple[list[tuple[Any, ...]], bool]:
    """Return those rows of a table that can be read and are as written, and whether that is all of them."""
    has_checksums = table in RECORDS and _has_checksums(database, table)
    columns = columns_of(table) if has_checksums else TABLES[table]
    rows, whole = [], True
    for row in _rows(database, f"SELECT {columns} FROM {table} NOT INDEXED"):
        if row is not None and table in RECORDS and not has_checksums:  # of the format before
            row = with_checksum(row)
        names = zip(TABLES[table].split(", "), row or (), strict=False)
        fine = row is not None and all(_is_json(value) for name, value in names if name in _JSON)
        fine = fine and (table not in RECORDS or is_as_written(row or ()))
        whole = whole and fine
        if fine and row is not None:
            rows.append(row)
    return rows, whole


def _has_checksums(database: sqlite3.Connection, table: str) -> bool:
    found = _rows(database, f"SELECT count(*) FROM pragma_table_info('{table}') WHERE name = 'checksum'")
    return next(found, None) == (1,)


def _rows(database: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...] | None]:
    """Yield rows until one cannot be read; None stands for that, and for a row that is not text."""
    cursor, former = database.cursor(), database.text_factory
    cursor.row_factory = _decoded
    try:
        database.text_factory = bytes
        yield from cursor.execute(query)
    except (sqlite3.Error, UnicodeDecodeError):
        yield None
    finally:
        database.text_factory = former
        cursor.close()


def _decoded(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    try:
        return tuple(value.decode() if isinstance(value, bytes) else value for value in row)
    except UnicodeDecodeError:
        return None


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _integrity(database: sqlite3.Connection) -> str:
    """Return the first thing that SQLite finds wrong, on one line; empty if all is well."""
    try:
        ((said, *_), *_) = database.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.Error as error:
        said = str(error)
    except UnicodeDecodeError:  # it quotes the damage
        said = "its schema is damaged"
    said = " ".join(said.split()).replace("*** in database main *** ", "")
    return "" if said == "ok" else said[:_LONGEST]
