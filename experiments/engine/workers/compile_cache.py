"""Where workers keep what is compiled for them."""

import os
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.engine.workers.environment import environment


def compile_cache(slot: int) -> dict[str, str]:
    """Return the environment that gives a worker its own compile cache, kept from run to run.

    The cache lies under ``ELBOWROOM_CACHE``, else ``XDG_CACHE_HOME``, else the home folder's ``.cache``.
    """
    return environment(_root() / f"worker-{slot}")


def claimed_cache() -> tuple[dict[str, str], FileLock]:
    """Return the environment of the first cache that nobody holds, and the lock that holds it.

    For workers that nobody counts, such as those of a cluster. The lock ends with the process.
    """
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    for slot in count():
        lock = FileLock(root / f"worker-{slot}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return compile_cache(slot), lock
    raise AssertionError


def _root() -> Path:
    home = os.environ.get("ELBOWROOM_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "elbowroom"
