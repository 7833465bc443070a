"""Which executor runs a study: worker processes, this process, or a Dask scheduler."""

import os
from collections.abc import Callable

from experiments.engine.workers.compile_cache import compile_cache
from experiments.engine.workers.interface import Executor, Task

LOCAL, SERIAL = "local", "serial"
"""Names that ``--on`` knows besides those of Dask: ``dask``, an address, or a scheduler's file."""


def prepare(on: str) -> None:
    """Set what must stand in the environment before numpy is imported, if tasks run in this process."""
    if on == SERIAL:
        os.environ.update(compile_cache(0))


def executor(on: str, workers: int, on_start: Callable[[Task], None] | None = None) -> Executor:
    """Return what runs tasks, `workers` of them at a time where that is for us to say.

    Raises InputError if it is Dask and cannot be had.
    """
    if on == LOCAL:
        from experiments.engine.workers.pool import Pool

        return Pool(workers, on_start=on_start, environment=compile_cache)
    if on == SERIAL:
        from experiments.engine.workers.serial import Serial

        return Serial(on_start=on_start)
    from experiments.engine.workers.distributed import Distributed

    return Distributed(on, workers, on_start=on_start)
