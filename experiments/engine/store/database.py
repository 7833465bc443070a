"""The study's SQLite file: its tables, its format number, and who may open it how.

Records are kept as JSON, once; the columns beside them are computed from that by SQLite, so that
``SELECT method, bound FROM cell`` works and nothing is stored twice.
"""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from experiments.engine.store.checksums import Checksums
from experiments.engine.store.files import clear_errors, is_whole, remove_parts
from experiments.engine.store.locking import FolderLock, holder
from experiments.engine.store.rows import RECORDS, add_checksums
from hand_cavi import InputError

FORMAT = 4
"""Since 3: checksums of array files, what runs now, and how each number was made, in tables of their own.
Since 4: checksums of rows.
"""

_EXTENDED = (2, 3)  # the formats that lack these and nothing else

_APPLICATION = 0x656C6277  # "elbw", in the header of the SQLite file

_SINCE_3 = """
CREATE TABLE file (
    name TEXT PRIMARY KEY, checksum TEXT NOT NULL, size INTEGER NOT NULL, changed_ns INTEGER NOT NULL
);
CREATE TABLE task (
    key TEXT PRIMARY KEY, label TEXT NOT NULL, state TEXT NOT NULL, since TEXT NOT NULL, ended TEXT
);
CREATE TABLE provenance (cell_key TEXT PRIMARY KEY, record TEXT NOT NULL);
"""

_SINCE_4 = "".join(f"ALTER TABLE {table} ADD COLUMN checksum TEXT;\n" for table in RECORDS)

_TABLES = f"""
BEGIN;
CREATE TABLE document (name TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE problem (key TEXT PRIMARY KEY, mixture TEXT NOT NULL);
CREATE TABLE cell (
    key TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    has_draws INTEGER NOT NULL,
    dataset TEXT AS (json_extract(record, '$.cell.dataset')),
    model TEXT AS (json_extract(record, '$.cell.model')),
    method TEXT AS (json_extract(record, '$.cell.method')),
    repeat INTEGER AS (json_extract(record, '$.cell.repeat')),
    status TEXT AS (json_extract(record, '$.status')),
    seconds_compile REAL AS (json_extract(record, '$.seconds_compile')),
    seconds_run REAL AS (json_extract(record, '$.seconds_run')),
    bound REAL AS (json_extract(record, '$.bound'))
);
CREATE TABLE judgement (
    problem_key TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    has_draws INTEGER NOT NULL,
    log_evidence REAL AS (json_extract(record, '$.reference.log_evidence.value'))
);
CREATE TABLE measurement (
    cell_key TEXT NOT NULL,
    problem_key TEXT NOT NULL,
    metric TEXT NOT NULL,
    record TEXT NOT NULL,
    value AS (json_extract(record, '$.value')),
    standard_error AS (json_extract(record, '$.standard_error')),
    unit TEXT AS (json_extract(record, '$.unit')),
    PRIMARY KEY (cell_key, metric)
);
CREATE TABLE verdict (
    cell_key TEXT PRIMARY KEY,
    problem_key TEXT NOT NULL,
    record TEXT NOT NULL,
    decision TEXT AS (json_extract(record, '$.decision'))
);
CREATE TABLE judged (cell_key TEXT PRIMARY KEY, problem_key TEXT NOT NULL);
{_SINCE_3}
{_SINCE_4}
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {FORMAT};
COMMIT;
"""


def open_to_write(folder: Path) -> tuple[sqlite3.Connection, FolderLock]:
    """Return the database, made if need be, and the folder's lock.

    Raises InputError if the folder cannot be written to, another run holds it, the database is damaged, or a
    newer version wrote it.
    """
    with clear_errors("write to", folder):
        for place in (folder, folder / "draws", folder / "data"):
            place.mkdir(parents=True, exist_ok=True)
        try:
            lock = FolderLock(folder)
        except BlockingIOError:
            raise InputError(
                f"another run (process {holder(folder)}) is writing to the study in {folder}; "
                "wait for it to end, or give this one another folder"
            ) from None
        with ExitStack() as if_it_fails:
            if_it_fails.callback(lock.release)
            _set_aside_if_older(folder)
            database = sqlite3.connect(folder / "study.sqlite")
            database.text_factory = _text
            if_it_fails.callback(database.close)
            _prepare(database, folder)
            if_it_fails.pop_all()
    return database, lock


def _set_aside_if_older(folder: Path) -> None:
    """Rename a database too old to be extended: none of its numbers can be reused, and none is lost."""
    path = folder / "study.sqlite"
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as database:
        version, application, _ = _header(database)
        older = application == _APPLICATION and version < min(_EXTENDED)
        if older:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if older:
        path.rename(folder / f"study-format-{version}.sqlite")


def _prepare(database: sqlite3.Connection, folder: Path) -> None:
    """Make the tables that are not there, and clear away what a killed run left."""
    version, application, _ = _header(database)
    if version in _EXTENDED and application == _APPLICATION:
        _extend(database, folder, version)
    found = _check_format(database, folder)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    if not found:
        database.executescript(_TABLES)
    for place in ("draws", "data"):
        remove_parts(folder / place)


def _extend(database: sqlite3.Connection, folder: Path, version: int) -> None:
    """Bring a database of a format before up to date: what is there and whole gets its checksum as it is."""
    rows = (
        ("draws", "SELECT key FROM cell WHERE has_draws"),
        ("draws", "SELECT 'reference-' || problem_key FROM judgement WHERE has_draws"),
        ("data", "SELECT key FROM problem"),
    )
    paths = [folder / place / f"{key}.nc" for place, query in rows for (key,) in database.execute(query)]
    database.executescript(f"BEGIN; {_SINCE_3 if version < 3 else ''} {_SINCE_4}")
    add_checksums(database)
    checksums = Checksums(folder, database, writable=True)
    for path in paths if version < 3 else ():
        if is_whole(path):
            checksums.note(path)
    database.execute(f"PRAGMA user_version = {FORMAT}")
    database.commit()


def open_to_read(folder: Path) -> sqlite3.Connection:
    """Return the database, for reading; it may be written by another process meanwhile.

    One of a format before is brought up to date first.

    Raises InputError if there is no study, it cannot be read, it is damaged, or another version wrote it.
    """
    path = folder / "study.sqlite"
    with clear_errors("read", folder):
        if not path.exists():
            raise InputError(f"there is no study in {folder}; give the folder of a study that has been run")
        if _is_of_a_format_before(path):
            database, lock = open_to_write(folder)
            database.close()
            lock.release()
        try:
            return _connect_to_read(path, "mode=ro")
        except sqlite3.OperationalError:
            # A folder that cannot be written to has no room for SQLite's shared memory. Without a
            # write-ahead log nobody is writing, and the file can be taken as it is.
            if path.with_name(f"{path.name}-wal").exists():
                raise
            return _connect_to_read(path, "immutable=1")


def _is_of_a_format_before(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            version, application, _ = _header(database)
            return version in _EXTENDED and application == _APPLICATION
    except (sqlite3.Error, UnicodeDecodeError):  # opening it says what is wrong
        return False


def _connect_to_read(path: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
    database.text_factory = _text
    with ExitStack() as if_it_fails:
        if_it_fails.callback(database.close)
        if not _check_format(database, path.parent):
            raise InputError(f"there is no study in {path.parent} yet; run one there first")
        if_it_fails.pop_all()
    return database


def _text(content: bytes) -> str:
    """Return text, be it damaged: then its row does not fit its checksum."""
    return content.decode(errors="replace")


def _check_format(database: sqlite3.Connection, folder: Path) -> bool:
    """Return whether the database holds a study; refuse one of another version, or not of this project."""
    version, application, tables = _header(database)
    if not tables:
        return False
    if application != _APPLICATION:
        raise InputError(f"study.sqlite in {folder} is not a study of elbowroom; give another folder")
    if version > FORMAT:
        raise InputError(
            f"the study in {folder} was written by a newer version of elbowroom (its format is {version}, "
            f"this version reads up to {FORMAT}); update elbowroom, or give another folder"
        )
    if version < FORMAT:
        raise InputError(
            f"the study in {folder} was written by an older version of elbowroom (its format is {version}, "
            f"this version reads {FORMAT}); run it again"
        )
    return True


def _header(database: sqlite3.Connection) -> tuple[int, int, int]:
    """Return the format, the application and the number of tables."""
    queries = ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_master")
    with closing(database.cursor()) as cursor:
        version, application, tables = (cursor.execute(query).fetchone()[0] for query in queries)
    return version, application, tables
