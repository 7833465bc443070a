"""The lock of a study's folder, which one run holds; the system drops it when that run's process ends."""

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

_PATIENCE = 1.0  # seconds: `is_held` of another process has the lock for an instant


class FolderLock:
    """The lock, taken. Beside it lies the number of its process, for people to read.

    Raises BlockingIOError if another holds it, OSError if the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = _lock_of(folder, _PATIENCE)
        self._note = folder / "study.process"
        try:
            self._lock.acquire()
        except Timeout:
            raise BlockingIOError from None
        try:
            self._note.unlink(missing_ok=True)  # it may be a link
            self._note.write_text(f"{os.getpid()}\n")
        except BaseException:
            self._lock.release()
            raise

    def release(self) -> None:
        """Let go of the lock."""
        with suppress(OSError):
            self._note.unlink()
        self._lock.release()


def holder(folder: Path) -> str:
    """Return the number of the process that holds the lock, or ``unknown``."""
    try:
        return (folder / "study.process").read_text().strip() or "unknown"
    except OSError:
        return "unknown"


def is_held(folder: Path) -> bool:
    """Return whether a run is writing; one that cannot be asked, in a folder not ours to write, is not."""
    if not (folder / "study.lock").exists():
        return False
    lock = _lock_of(folder, 0.0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _lock_of(folder: Path, patience: float) -> FileLock:
    return FileLock(folder / "study.lock", timeout=patience, thread_local=False)
