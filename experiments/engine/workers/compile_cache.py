"""Where workers keep what is compiled for them."""

import os
from pathlib import Path

from ppl_baselines.environment import environment


def compile_cache(slot: int) -> dict[str, str]:
    """Return the environment that gives a worker its own compile cache, kept from run to run."""
    return environment(cache_folder() / f"worker-{slot}")


def cache_folder() -> Path:
    """Return where caches are: under ``ELBOWROOM_CACHE``, else ``XDG_CACHE_HOME``, else ``~/.cache``."""
    home = os.environ.get("ELBOWROOM_CACHE") or os.environ.get("XDG_CACHE_HOME")
    root = Path(home) if home else Path.home() / ".cache"
    return root / "elbowroom"
