"""Where workers keep what is compiled for them."""

import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.engine.workers.environment import environment

if TYPE_CHECKING:
    from filelock import FileLock


def compile_cache(slot: int) -> dict[str, str]:
    """Return the environment that gives a worker its own compile cache, kept from run to run.

    ``ELBOWROOM_RUN`` tells the workers of one process from those of another.
    """
    return {**environment(cache_folder() / f"worker-{slot}"), "ELBOWROOM_RUN": str(os.getpid())}


def claimed_cache() -> tuple[dict[str, str], "FileLock"]:
    """Return the environment of the first cache that nobody holds, and the lock that holds it.

    For workers that nobody counts, such as those of a cluster. The lock ends with the process.
    """
    from filelock import FileLock, Timeout

    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for slot in count():
        lock = FileLock(folder / f"worker-{slot}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return compile_cache(slot), lock
    raise AssertionError


def cache_folder() -> Path:
    """Return where caches are: under ``ELBOWROOM_CACHE``, else ``XDG_CACHE_HOME``, else ``~/.cache``."""
    home = os.environ.get("ELBOWROOM_CACHE") or os.environ.get("XDG_CACHE_HOME")
    root = Path(home) if home else Path.home() / ".cache"
    return root / "elbowroom"
