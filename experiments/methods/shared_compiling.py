"""What one worker compiles serves the others of its run: they wait until it is there, and take it over.

Every worker has a compile cache of its own, so that one that is killed spoils nobody else's. Beside them lies
a lock for each piece of code, and in it who compiled it, in which run, and how long that took.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from shutil import copy2
from typing import Any

_COMPILED = ("*.nbi", "*.nbc", "*-cache")  # numba's indices and machine code; JAX's programs
_PATIENCE = 600.0  # seconds that another worker is waited for


@contextmanager
def alone(key: tuple[object, ...] | None) -> Iterator[dict[str, Any]]:
    """Hold the lock of a piece of code, with what other workers compiled taken over into the own cache.

    Yields what the worker of this run that compiled it noted down, or an empty note to be filled in. Outside
    of workers, and for code without a key, there is nobody to wait for, and an empty note.
    """
    own, run = _own_cache(), os.environ.get("ELBOWROOM_RUN")
    if own is None or run is None or key is None:
        yield {}
        return
    from filelock import FileLock, Timeout

    path = own.parent / f"compiled-{sha256(repr(key).encode()).hexdigest()[:16]}.json"
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:  # it compiles, or hangs; this worker need not
        yield {}
        return
    try:
        _take_over(own)
        note = _read(path)
        if note.get("run") != run or note.get("process") == os.getpid():  # which may have let go of it
            note = {}
        known = bool(note)
        yield note
        if note and not known:
            path.write_text(json.dumps({**note, "run": run, "process": os.getpid()}))
    finally:
        lock.release()


def _own_cache() -> Path | None:
    """Return the folder of this worker's caches, if this is a worker."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", "")).parent
    if not folder.name.startswith("worker-"):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _take_over(own: Path) -> None:
    """Link or copy what the other caches have and this one lacks."""
    for other in own.parent.glob("worker-*"):
        if other == own or not other.is_dir():
            continue
        for path in (found for pattern in _COMPILED for found in other.rglob(pattern)):
            here = own / path.relative_to(other)
            if here.exists():
                continue
            here.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, here)
            except OSError:  # another file system, or gone meanwhile
                if path.exists():
                    copy2(path, here)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
