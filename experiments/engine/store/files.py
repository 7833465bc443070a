"""Files that are whole or absent, array files whose damage is seen, and errors a user can act on."""

import errno
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from experiments.engine.store.netcdf import from_bytes, to_bytes
from experiments.engine.store.salvage import what_can_be_saved
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr

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
    sqlite3.SQLITE_NOTADB: "study.sqlite is not a database, or its beginning is damaged",
    sqlite3.SQLITE_BUSY: "another program holds study.sqlite",
}


@contextmanager
def clear_errors(doing: str, folder: Path) -> Iterator[None]:
    """Turn what the system refuses into one sentence; `doing` is ``write to`` or ``read``.

    Raises InputError for an OSError, for those errors of SQLite that a user can mend, and for damage.
    """
    try:
        yield
        return
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter of SQLite's own words, which are cut up
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        if code not in _DATABASE_REASONS:
            if said := what_can_be_saved(folder):
                raise InputError(said) from None
            raise
        reason = _DATABASE_REASONS[code]
    raise InputError(
        f"cannot {doing} the study in {folder}: {reason}; mend that, or give another folder"
    ) from None


def write_whole(path: Path, content: bytes | bytearray | memoryview) -> None:
    """Write a file so that it is there in full or, whenever one dies or the disk fills, not at all."""
    with whole(path) as part:
        part.write_bytes(content)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the name under which to write a file, which gets its own name when it is there in full.

    Its folder is made if need be.
    """
    part = path.with_name(f".{path.name}{_SUFFIX}")
    with suppress(OSError):
        part.unlink()  # were it a link, what is written would land elsewhere
    path.parent.mkdir(parents=True, exist_ok=True)
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


def parts_in(folder: Path) -> list[Path]:
    """Return what a killed `write_whole` left behind."""
    return sorted(folder.glob(f".*{_SUFFIX}"))


def remove_parts(folder: Path) -> None:
    """Remove what a killed `write_whole` left behind."""
    for part in parts_in(folder):
        part.unlink(missing_ok=True)


class ArrayFile(Path):
    """The path of an array file, with the checksum of what was written there; workers get both."""

    checksum: str

    @classmethod
    def of(cls, path: Path, checksum: str) -> Self:
        """Return the path, with a checksum as `checksum_of` gives it."""
        file = cls(path)
        file.checksum = checksum
        return file

    def with_segments(self, *segments: Any) -> Any:
        """Return a path derived from this one, which is another file."""
        return Path(*segments)

    def __reduce__(self) -> Any:
        return type(self).of, (Path(self), self.checksum)


def write_tree(path: Path, tree: "xr.DataTree") -> None:
    """Write a DataTree as netCDF, whole or not at all."""
    write_whole(path, to_bytes(tree))


def read_tree(path: Path | bytes) -> "xr.DataTree":
    """Return the DataTree of a netCDF file, or of what one holds, in memory; the file is closed again.

    The bytes of an `ArrayFile` are held against its checksum. One that is damaged gets a new time stamp, so
    that the next run, which looks at the bytes of no other, sees it too.

    Raises InputError if the file is damaged, FileNotFoundError if there is none.
    """
    if isinstance(path, bytes):
        return from_bytes(path)
    image = path.read_bytes()
    if isinstance(path, ArrayFile) and hash_of(image) != path.checksum:
        with suppress(OSError):  # who may not write cannot run the study either
            os.utime(path)
        raise InputError(damage(path))
    try:
        return from_bytes(image)
    except (OSError, KeyError, ValueError, RuntimeError):  # HDF5's words, which name no file
        raise InputError(damage(path)) from None


def damage(path: Path) -> str:
    """Return a sentence on a damaged file."""
    return (
        f'the file "{path}" is damaged: it was altered or cut short after it was written; run the study '
        "again, which makes this file anew and keeps the others"
    )


def checksum_of(path: Path) -> str:
    """Return the BLAKE2b hash of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=32)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_of(image: bytes | bytearray) -> str:
    """Return the same of the bytes themselves."""
    return hashlib.blake2b(image, digest_size=32).hexdigest()


def is_whole(path: Path) -> bool:
    """Return whether a netCDF file is there and was not cut short, without opening it as one.

    The superblock of HDF5 (its file format specification, II.A) says where the file ends.
    """
    try:
        with open(path, "rb") as file:
            head, size = file.read(52), os.fstat(file.fileno()).st_size
    except OSError:
        return False
    if len(head) < 52 or head[:8] != b"\x89HDF\r\n\x1a\n":
        return False
    place = {0: 40, 1: 44}.get(head[8], 28)
    return size >= int.from_bytes(head[place : place + 8], "little")


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # which cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
