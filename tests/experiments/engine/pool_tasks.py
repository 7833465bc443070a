"""What the workers of `test_pool` run; imported there, so nothing but the standard library."""

import ctypes
import os
import signal
import subprocess
import sys
import time


def double(x):
    return 2 * x


def pid(payload):
    return os.getpid()


def nap(seconds):
    time.sleep(seconds)
    return os.getpid()


def boom(payload):
    raise ValueError("the first line\nand a second")


def leave(code):
    sys.exit(code)


def vanish(code):
    os._exit(code)


def kill_self(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


def segfault(payload):
    ctypes.string_at(0)


def unpicklable(payload):
    return lambda: payload


class _Mine:
    """Pickled in the worker without complaint, and not to be read anywhere."""

    def __reduce__(self):
        return (int, ("not a number",))


def unreadable(payload):
    return _Mine()


def environment(name):
    return os.environ.get(name), "numpy" in sys.modules


def chatter(text):
    print(text, flush=True)
    os.write(1, text.encode())
    os.system(f"echo {text}")
    return text


def print_and(payload):
    text, then = payload
    print(text, file=sys.stderr, flush=then != "raise")
    if then == "exit":
        os._exit(3)
    if then == "raise":
        raise ValueError(then)
    time.sleep(600)


def with_child(path):
    """Start a process of our own, tell its number, and sleep for ever beside it."""
    child = subprocess.Popen(["sleep", "600"])
    with open(path + ".part", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.replace(path + ".part", path)
    time.sleep(600)


def leave_a_child_and_vanish(path):
    """Fork a child that keeps our socket open, and die."""
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    os._exit(5)


def deaf(path):
    """Refuse to be terminated."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return with_child(path)


def hold(mebibytes):
    """Hold memory for a while."""
    held = bytearray(b"x") * (mebibytes << 20)
    time.sleep(2)
    return len(held)


def main_module(payload):
    heavy = {"pytest", "numpy", "experiments.engine.workers.pool"} & set(sys.modules)
    return getattr(sys.modules["__main__"], "__file__", None), heavy
