"""Tasks on the workers of a Dask scheduler: a cluster of this machine, or one that is there already.

Dask decides where a task runs. There a pool of one runs it in a process of its own, as on one machine, so
that limits hold, and what a task does to its process costs that task alone. Only this process, the driver,
writes to the store; scheduler and workers need the same versions of this package and of its libraries.
"""

import logging
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

from experiments.engine import fingerprint
from experiments.engine.workers import machine
from experiments.engine.workers.compile_cache import claimed_cache
from experiments.engine.workers.interface import Outcome, Task
from experiments.engine.workers.pool import Pool
from experiments.engine.workers.worker import sentence
from hand_cavi import InputError

HERE = "dask"
"""The address that stands for a cluster of this machine."""

_STARTED = "elbowroom-started"
_GLANCE = 1.0  # seconds between looks at the scheduler
_PATIENCE = 30.0  # seconds in which a scheduler must answer, or a first worker come
_mine = threading.local()  # of a thread of a Dask worker: its pool


@dataclass(frozen=True)
class _Sent:
    """A task on its way; the paths are where the driver's Python looks for modules."""

    function: str
    payload: bytes
    key: str
    label: str
    time_limit: float
    memory_limit: int | None
    paths: tuple[str, ...]
    made_by: dict[str, str]


class Distributed:
    """An executor that hands tasks to Dask; see `experiments.engine.workers.interface.Executor`.

    Parameters
    ----------
    address : str
        ``dask``, for a cluster of this machine that ends with the run; ``tcp://host:port``; or the path of a
        scheduler file.
    workers : int
        Processes of a cluster of this machine.

    Raises
    ------
    InputError
        If Dask is not installed, or no scheduler answers, or a worker has other versions.
    """

    remote = True

    def __init__(self, address: str, workers: int, *, on_start: Callable[[Task], None] | None = None) -> None:
        self._tell = on_start or (lambda task: None)
        self._tasks: dict[str, Task] = {}
        self._waiting: dict[str, Any] = {}  # futures by key
        self._started_at: dict[str, float] = {}
        self._news: Queue[tuple[str, Any]] = Queue()
        self._address = address
        self._client, self._cluster = _connect(address, workers)
        self._client.subscribe_topic(_STARTED, lambda event: self._news.put(("started", event[1])))
        self._made_by = made_by()

    def submit(self, task: Task) -> None:
        """Send a task to the scheduler."""
        try:
            payload = pickle.dumps(task.payload)
        except Exception as error:
            message = f"its input cannot be sent to a worker: {sentence(error)}"
            self._tasks[task.key] = task
            self._news.put(("ended", Outcome(task.key, "failed", None, message, 0.0)))
            return
        sent = _Sent(
            task.function,
            payload,
            task.key,
            task.label,
            task.time_limit,
            task.memory_limit,
            tuple(sys.path),
            self._made_by,
        )
        self._tasks[task.key] = task
        self._started_at[task.key] = time.monotonic()
        name = f"{task.key}-{time.monotonic_ns()}"  # a task that is tried once more is another one to Dask
        future = self._client.submit(run_sent, sent, key=name, pure=False, retries=0)
        self._waiting[task.key] = future
        future.add_done_callback(lambda done, key=task.key: self._news.put(("done", (key, done))))

    def results(self) -> Iterator[Outcome]:
        """Yield outcomes as tasks end, until none is left.

        Raises InputError if the scheduler is lost.
        """
        while self._tasks:
            try:
                kind, what = self._news.get(timeout=_GLANCE)
            except Empty:
                self._look_at_scheduler()
                continue
            if kind == "started":
                if (task := self._tasks.get(what)) is not None:
                    self._started_at[what] = time.monotonic()
                    self._tell(task)
                continue
            if kind == "done":
                key, future = what
                if self._waiting.get(key) is not future:
                    continue  # tried once more meanwhile
                what = self._outcome(key, future)
            del self._tasks[what.key]
            self._waiting.pop(what.key, None)
            yield what

    def _outcome(self, key: str, future: Any) -> Outcome:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        seconds = time.monotonic() - self._started_at[key]
        try:
            found: Outcome = future.result()
        except FutureCancelledError:
            self._look_at_scheduler()
            return Outcome(key, "crashed", None, "Dask cancelled it", seconds)
        except KilledWorker:
            message = "the Dask workers that it was given to died"
            return Outcome(key, "crashed", None, message, seconds)
        except Exception as error:
            return Outcome(key, "failed", None, f"Dask could not run it: {sentence(error)}", seconds)
        return found

    def _look_at_scheduler(self) -> None:
        if self._client.status != "running" or self._client.scheduler.status == "closed":
            raise InputError(
                f"the scheduler at {self._address} was lost; what is done is kept, and running again goes on "
                "from there"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take back what is not done, and end a cluster that was started for this run."""
        for future in self._waiting.values():
            future.cancel(force=True)
        self._tasks.clear()
        self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close(timeout=10)


def run_sent(sent: _Sent) -> Outcome:
    """Run a task on a Dask worker: in the process of this thread's own pool."""
    from distributed import get_worker

    if (mine := made_by()) != sent.made_by:
        message = f"this Dask worker cannot be relied on: {_difference(sent.made_by, mine)}"
        return Outcome(sent.key, "failed", None, message, 0.0)
    get_worker().log_event(_STARTED, sent.key)
    for path in sent.paths:
        if path not in sys.path:
            sys.path.append(path)
    if not hasattr(_mine, "pool"):
        _mine.cache, _mine.lock = claimed_cache()
        _mine.pool = Pool(1, environment=lambda slot: _mine.cache)
    pool: Pool = _mine.pool
    pool.submit(
        Task(
            sent.key,
            sent.function,
            pickle.loads(sent.payload),
            sent.label,
            sent.time_limit,
            memory_limit=sent.memory_limit,
        )
    )
    while (outcome := pool.glance()) is None:
        if _is_cancelled():
            pool.__exit__()
            return Outcome(sent.key, "crashed", None, "the run that wanted it has ended", 0.0)
    return replace(outcome, machine=machine.describe())


def _is_cancelled() -> bool:
    """Whether nobody waits any more for what this thread of a Dask worker computes."""
    from distributed import get_worker
    from distributed.worker import thread_state

    task = get_worker().state.tasks.get(thread_state.key)
    return task is None or task.state == "cancelled"


def made_by() -> dict[str, str]:
    """Return what must be equal wherever the same numbers are to come out: versions, and the code itself."""
    return {
        **fingerprint.versions(),
        "elbowroom's code": fingerprint.code("experiments.studies.fitting")[:12],
    }


def _difference(wanted: dict[str, str], found: dict[str, str]) -> str:
    clauses = (
        f"{name} is {found.get(name)}, not {one}" for name, one in wanted.items() if found.get(name) != one
    )
    return "; ".join(clauses)


@contextmanager
def connected(address: str, workers: int) -> Iterator[None]:
    """Have Dask compute on the workers of a scheduler what is computed inside; see `Distributed`."""
    client, cluster = _connect(address, workers)
    try:
        with client.as_current():
            yield
    finally:
        client.close(timeout=2)
        if cluster is not None:
            cluster.close(timeout=10)


def _connect(address: str, workers: int) -> tuple[Any, Any]:
    """Return a client, and the cluster that was started for it, if one was."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(
            '--on dask needs Dask; install it with: pip install "elbowroom[distributed]"'
        ) from None
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    for name in list(logging.root.manager.loggerDict):  # what matters of it is said in sentences
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    if address == HERE:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # whose port 8787 another's may have
            memory_limit=0,  # the limit is of a task, and its process is not Dask's
            silence_logs=50,
        )
        return Client(cluster, set_as_default=False), cluster
    try:
        if "://" in address:
            client = Client(address, timeout=_PATIENCE, set_as_default=False)
        elif Path(address).is_file():
            client = Client(scheduler_file=address, timeout=_PATIENCE, set_as_default=False)
        else:
            raise InputError(
                f'--on "{address}" is none of local, serial, dask, an address such as tcp://host:8786, or a '
                "scheduler's file"
            )
        client.wait_for_workers(1, timeout=_PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"no Dask scheduler with a worker answers at {address}: {sentence(error)}") from None
    wanted = made_by()
    for where, found in client.run(made_by).items():
        if found != wanted:
            raise InputError(f"the Dask worker at {where} cannot be relied on: {_difference(wanted, found)}")
    return client, None
