"""Where workers keep what is compiled for them."""

import os
from pathlib import Path

from ppl_baselines.environment import environment


def compile_cache(slot: int) -> dict[str, str]:
    """Return the environment that gives a worker its own compile cache, kept from run to run.

    The cache lies under ``ELBOWROOM_CACHE``, else ``XDG_CACHE_HOME``, else the home folder's ``.cache``.
    """
    home = os.environ.get("ELBOWROOM_CACHE") or os.environ.get("XDG_CACHE_HOME")
    root = Path(home) if home else Path.home() / ".cache"
    return environment(root / "elbowroom" / f"worker-{slot}")
