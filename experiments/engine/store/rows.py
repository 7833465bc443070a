"""The tables of results, and their rows, each with the checksum of what was written: no other row is read."""

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any

TABLES = {
    "document": "name, record",
    "problem": "key, mixture",
    "cell": "key, record, has_draws",
    "judgement": "problem_key, record, has_draws",
    "measurement": "cell_key, problem_key, metric, record",
    "verdict": "cell_key, problem_key, record",
    "judged": "cell_key, problem_key",
    "file": "name, checksum, size, changed_ns",
    "provenance": "cell_key, record",
}
"""The tables that hold results, and the columns that are written."""

RECORDS = tuple(table for table in TABLES if table not in ("judged", "file"))
"""Those whose rows have a checksum besides."""

type Row = tuple[Any, ...]


def columns_of(table: str) -> str:
    """Return all columns of a table that are written, the row's checksum last."""
    return f"{TABLES[table]}, checksum" if table in RECORDS else TABLES[table]


def with_checksum(row: Sequence[Any]) -> Row:
    """Return a row of a table of `RECORDS`, and its checksum: the BLAKE2b hash, 32 hexadecimal digits."""
    text = "\0".join(str(int(value)) if isinstance(value, bool) else str(value) for value in row)
    return (*row, hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest())


def is_as_written(row: Row) -> bool:
    """Return whether a row has the checksum, its last entry, that it was written with."""
    return with_checksum(row[:-1]) == row


def put(database: sqlite3.Connection, table: str, *values: Any) -> None:
    """Write a row of a table of `RECORDS`, in place of one with its key, within the caller's transaction."""
    insert(database, table, [with_checksum(values)])


def insert(database: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    """Write whole rows, as `columns_of` has them."""
    places = ", ".join("?" for _ in columns_of(table).split(", "))
    query = f"INSERT OR REPLACE INTO {table} ({columns_of(table)}) VALUES ({places})"
    database.executemany(query, rows)


def kept(database: sqlite3.Connection, table: str, where: str, *values: Any) -> list[Row]:
    """Return the rows that are as they were written, without their checksums."""
    rows = database.execute(f"SELECT {columns_of(table)} FROM {table} {where}", values).fetchall()
    return [row[:-1] for row in rows if is_as_written(row)]


def altered(database: sqlite3.Connection) -> list[tuple[str, int, Row]]:
    """Return the rows that are not as they were written: table, number and content."""
    return [
        (table, number, row[:-1])
        for table in RECORDS
        for number, *row in database.execute(f"SELECT rowid, {columns_of(table)} FROM {table}").fetchall()
        if not is_as_written(tuple(row))
    ]


def add_checksums(database: sqlite3.Connection) -> None:
    """Give every row a checksum as it is, in the column for that."""
    for table in RECORDS:
        rows = database.execute(f"SELECT rowid, {TABLES[table]} FROM {table}").fetchall()
        checksums = [(with_checksum(row)[-1], number) for number, *row in rows]
        database.executemany(f"UPDATE {table} SET checksum = ? WHERE rowid = ?", checksums)
