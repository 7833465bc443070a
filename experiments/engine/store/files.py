"""Files that are whole or absent, a lock that dies with its holder, and errors a user can act on."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5netcdf
import xarray as xr

from hand_cavi import InputError

_SUFFIX = ".part"

_REASONS = {
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "its file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would grow beyond the size that is allowed",
    errno.ENOTDIR: "a part of that path is a file, not a folder",
    errno.EEXIST: "there is a file of that name",
    errno.ENOENT: "a file of the study is missing",
}
_DATABASE_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "its database cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk gives an error, or is full",
    sqlite3.SQLITE_NOTADB: "study.sqlite is not a database",
    sqlite3.SQLITE_CORRUPT: "study.sqlite is damaged",
    sqlite3.SQLITE_BUSY: "another program holds study.sqlite",
}


@contextmanager
def clear_errors(doing: str, folder: Path) -> Iterator[None]:
    """Turn what the system refuses into one sentence; `doing` is ``write to`` or ``read``.

    Raises InputError for an OSError, and for those errors of SQLite that a user can mend.
    """
    try:
        yield
        return
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        if code not in _DATABASE_REASONS:
            raise
        reason = _DATABASE_REASONS[code]
    raise InputError(
        f"cannot {doing} the study in {folder}: {reason}; mend that, or give another folder"
    ) from None


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file so that it is there in full or, whenever one dies or the disk fills, not at all."""
    with whole(path) as part:
        part.write_bytes(content)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the name under which to write a file, which gets its own name when it is there in full."""
    part = path.with_name(f".{path.name}{_SUFFIX}")
    with suppress(OSError):
        part.unlink()  # were it a link, what is written would land elsewhere
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _sync_folder(path.parent)


def remove_parts(folder: Path) -> None:
    """Remove what a killed `write_whole` left behind."""
    for part in folder.glob(f".*{_SUFFIX}"):
        part.unlink(missing_ok=True)


def write_tree(path: Path, tree: xr.DataTree) -> None:
    """Write a DataTree as netCDF, whole or not at all."""
    write_whole(path, tree.to_netcdf(engine="h5netcdf"))


def read_tree(path: Path) -> xr.DataTree:
    """Return the DataTree of a netCDF file, in memory; the file is closed again."""
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        return tree.load()


def is_whole(path: Path) -> bool:
    """Return whether a netCDF file is there and was not cut short."""
    try:
        h5netcdf.File(path, "r").close()
    except OSError:
        return False
    return True


def lock(path: Path) -> int:
    """Take the lock, or raise BlockingIOError; return a descriptor that holds it until closed.

    The system drops it when the process ends, whose number in the file is for people to read.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
