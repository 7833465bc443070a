"""One worker process, seen from the parent: start it, signal it, say how it died (`worker`: its inside)."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Pipe

_INTERPRETER = (sys.executable, "-X", "faulthandler")  # a segfault leaves a traceback on standard error
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from experiments.engine.workers.worker import main; main(int(sys.argv[1]))"
)


class Worker:
    """One process and our end of its socket."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [*_INTERPRETER, "-c", _START, str(theirs.fileno()), json.dumps(sys.path)],
                env={**os.environ, **environment},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard error: standard output is the parent's
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """Signal the worker and all that its task started."""
        with suppress(ProcessLookupError, PermissionError):  # gone; some systems say it so
            os.killpg(self.process.pid, number)

    def ended(self, seconds: float) -> bool:
        """Return whether the process ends within so many seconds."""
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def remove(self) -> None:
        """End what is left of the worker, its task's children too, and close our end."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.connection.close()


def how_it_died(returncode: int | None, *, out_of_memory: bool = False) -> str:
    """Return a sentence on the end of a process; None stands for one that only closed its socket.

    The system may say that it ended some process meanwhile because memory ran out.
    """
    if returncode is None:
        return "its worker process closed the connection without an answer"
    if returncode >= 0:
        return f"its worker process ended with exit code {returncode} before the task was done"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    hint = "; the system ran out of memory meanwhile" if out_of_memory and name == "SIGKILL" else ""
    return f"its worker process was ended by {name}{hint}"
