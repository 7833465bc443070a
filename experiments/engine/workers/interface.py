"""What an executor is given and gives back, and the little that it must be able to do.

An executor runs calls of named functions: in worker processes (`pool`), in this process (`serial`), or on the
workers of a Dask scheduler (`distributed`). It knows nothing of studies, and writes nothing to disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self


@dataclass(frozen=True, eq=False)
class Task:
    """A call of a function, ``package.module:function``, with `payload` alone, which is pickled.

    The `key` comes back with the outcome, a person reads the `label`. The `time_limit`, in seconds, begins
    when a worker is given the task; `math.inf` is none. The `memory_limit`, in bytes, is of what the worker
    and all that the task started hold together; None is none. Tasks that share an `affinity` go to the same
    worker where that costs no waiting (what is compiled there); those of one `kind` take about as long.
    """

    key: str
    function: str
    payload: Any
    label: str
    time_limit: float
    affinity: str | None = None
    memory_limit: int | None = None
    kind: str | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a task ended: ``ok``, ``failed`` (an exception), ``crashed`` (the process died) or ``timed_out``.

    The `value` is what the function returned, None unless ``ok``; `message` one sentence on what went wrong,
    and `detail` the traceback, if there is one; `seconds` the wall time from handing the task over;
    `peak_bytes` the most memory that was seen in its hands, None where nobody looked; `machine` describes
    where it ran, None for this machine; `printed` is the end of what it wrote to standard output and error.
    """

    key: str
    status: str
    value: Any
    message: str
    seconds: float
    detail: str = ""
    peak_bytes: int | None = None
    machine: dict[str, str] | None = None
    printed: str = ""


@dataclass(frozen=True)
class Event:
    """Something to tell a spectator: a task was ``submitted``, ``started``, ``retried`` or ``finished``.

    The `outcome` is there when it finished, or crashed and is to be tried once more.
    """

    kind: str
    task: Task
    outcome: Outcome | None = None


class Executor(Protocol):
    """Something that runs tasks; a context manager, at whose end nothing of it runs any more.

    Tasks may be submitted at any time, also while `results` is being iterated; it yields outcomes as tasks
    end, until none is left. It says which tasks start; what becomes of outcomes is the business of whoever
    iterates. `remote` is whether tasks may run where this machine's files cannot be read.
    """

    remote: bool

    def submit(self, task: Task) -> None: ...  # noqa: D102

    def results(self) -> Iterator[Outcome]: ...  # noqa: D102

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
