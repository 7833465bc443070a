"""Methods that misbehave, for the tests of the runner."""

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from experiments.config.options import Options
from experiments.methods import NotFiniteError, cavi


class Settings(Options):
    """Options of all of them."""

    log: str = ""
    """A file to which every call adds a line."""
    wait: float = 0.0
    draws: int = 500


def _note(settings):
    if settings.log:
        with Path(settings.log).open("a") as log:
            log.write("called\n")


def _method(act, *, told=False, **changes):
    def fit(target, settings, *, starts, seed):
        _note(settings)
        time.sleep(settings.wait)
        act(settings) if told else act()
        return replace(cavi.fit(target, cavi.Settings(starts=2), starts=starts, seed=seed), **changes)

    return SimpleNamespace(Settings=Settings, fit=fit, __module__=__name__)


def _raise(error):
    raise error


fine = _method(lambda: None)
crash = _method(lambda: os._exit(3))


def _killed_once(settings):
    """End this process as the system does when memory runs out, the first time."""
    if Path(settings.log).read_text() == "called\n":
        os.kill(os.getpid(), signal.SIGKILL)


def _hold(settings):
    held = bytearray(b"x") * (1 << 30)
    time.sleep(30)
    return len(held)


def _with_child(settings):
    child = subprocess.Popen(["sleep", "600"])
    Path(settings.log).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


def _complain():
    print("\x1b[2Jit says so", flush=True)
    raise ValueError("it did not work")


wrong = _method(_complain)
fail = _method(lambda: _raise(RuntimeError("it did not work")))
overflow = _method(lambda: _raise(NotFiniteError("the loss became infinite")))
hang = _method(lambda: time.sleep(600))
no_json = _method(lambda: None, info={"log": Path("a.txt")})
no_tree = _method(lambda: None, q=None, chains={"mu": [0.0]})
killed_once = _method(_killed_once, told=True)
killed = _method(lambda: os.kill(os.getpid(), signal.SIGKILL))
greedy = _method(_hold, told=True)
hang_with_child = _method(_with_child, told=True)
