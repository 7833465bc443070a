"""The child's side of `pool`: take a task, say so, run it, hand back what came of it, wait for the next.

Imports nothing heavy: a task's function is named, and imported here. A thread listens to the parent; when it
is gone, however it went, the thread ends this process and everything the task may have started.
"""

import importlib
import os
import pickle
import re
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

GOODBYE = b""
BEGUN = b"begun"
_LONGEST = 400  # characters of an exception's text in a message; `detail` has all of it


def main(descriptor: int) -> None:
    """Serve tasks from the socket with this file descriptor until the parent says goodbye.

    The process must lead its own process group (the parent starts it in a session of its own).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    connection: Connection = Connection(descriptor)
    inbox: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(connection, inbox), daemon=True).start()
    while (message := inbox.get()) != GOODBYE:
        connection.send_bytes(BEGUN)
        answer = answer_to(message)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        connection.send_bytes(answer)


def _listen(connection: Connection, inbox: "SimpleQueue[bytes]") -> None:
    try:
        while True:
            inbox.put(connection.recv_bytes())
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)  # the parent is gone: leave no orphans, ourselves included


def answer_to(message: bytes) -> bytes:
    """Run a task; return (status, value, message, detail, peak), pickled.

    The value is pickled apart, so that the rest is readable; the peak is the most bytes that this process
    held meanwhile.
    """
    stage = ""
    _forget_peak()
    try:
        name, payload = pickle.loads(message)
        stage = "its input cannot be read in the worker: "
        argument = pickle.loads(payload)
        stage = ""
        value = resolve(name)(argument)
        stage = "its result cannot be handed back: "
        return pickle.dumps(("ok", pickle.dumps(value, protocol=5), "", "", _peak()))
    except BaseException as error:  # SystemExit too: a task's exit is not the worker's
        return pickle.dumps(
            ("failed", b"", stage + sentence(error), printable(traceback.format_exc()), _peak())
        )


def _forget_peak() -> None:
    """Begin to count the most memory of this process anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Return the most bytes that this process held since `_forget_peak`; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def resolve(name: str) -> Callable[[object], object]:
    """Return the function called ``package.module:function``."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def printable(text: str) -> str:
    """Return text as UTF-8 can hold it, without what would command a terminal."""
    text = text.encode("utf-8", "replace").decode()
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", text)


def sentence(error: BaseException) -> str:
    """Return the exception's type and text on one line; of bad input the text alone, which is a sentence."""
    name = type(error).__name__
    try:
        text = printable(" ".join(str(error).split()))
    except Exception:  # an exception that cannot even be printed is still an exception
        return name
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " ..."
    if text and name == "InputError":
        return text
    return f"{name}: {text}" if text else name
