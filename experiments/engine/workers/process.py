"""One worker process, seen from the parent: start it, signal it, say how it died (`worker`: its inside).

What the process and all that it starts write to standard output and standard error comes to the parent,
which keeps the end of it: a terminal shows nothing but the progress of the run.
"""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Pipe

from experiments.engine.workers.worker import printable

LONGEST = 4000
"""Bytes of what a task printed that are kept, the last."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WRITTEN_OVER = re.compile(r"[^\n]*\r(?!\n)")  # such as a progress bar's former states

_INTERPRETER = (sys.executable, "-X", "faulthandler")  # a segfault leaves a traceback on standard error
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from experiments.engine.workers.worker import main; main(int(sys.argv[1]))"
)


class Printed:
    """The end of what comes out of a pipe. `descriptor` is its end here, None once nothing more can come."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor: int | None = descriptor
        self._end, self._length = b"", 0

    def read(self) -> None:
        """Take what there is, without waiting."""
        while self.descriptor is not None:
            try:
                block = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return
            if not block:
                self.close()
                return
            self._length += len(block)
            self._end = (self._end + block)[-LONGEST:]

    def forget(self) -> None:
        """Begin anew."""
        self.read()
        self._end, self._length = b"", 0

    def text(self) -> str:
        """Return what was printed as text that commands no terminal, its beginning cut if it is long."""
        self.read()
        text = _COLOURS.sub("", self._end.decode(errors="replace").replace("\r\n", "\n"))
        left_out = self._length - len(self._end)
        head = f"... ({left_out} bytes before this are left out)\n" if left_out else ""
        return head + printable(_WRITTEN_OVER.sub("", text)).rstrip()

    def close(self) -> None:
        """Take no more."""
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.descriptor = None


class Worker:
    """One process, our end of its socket, and what it prints."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.connection, theirs = Pipe()
        ours, written = os.pipe()
        self.printed = Printed(ours)
        with theirs, open(written, "wb", closefd=True):
            self.process = subprocess.Popen(
                [*_INTERPRETER, "-c", _START, str(theirs.fileno()), json.dumps(sys.path)],
                env={**os.environ, **environment},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
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
        self.printed.read()
        self.printed.close()


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
