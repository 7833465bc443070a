"""One worker compiles, another of its run waits and takes it over; outside of workers nothing is shared."""

import os
import threading
import time

import pytest

from experiments.methods import shared_compiling
from experiments.methods.shared_compiling import alone

KEY = ("module", "prepare", "structure", ())


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Become the worker of a number."""

    def become(number):
        folder = tmp_path / "caches" / f"worker-{number}"  # which a worker may be the first to need
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder / "numba"))
        monkeypatch.setenv("ELBOWROOM_RUN", "1234")
        monkeypatch.setattr(os, "getpid", lambda: number)
        return folder

    return become


def test_what_one_compiled_another_takes_over(worker):
    first = worker(0)
    with alone(KEY) as note:
        assert note == {}
        note.update(seconds=7.5, warm=False)
        (first / "pytensor" / "numba").mkdir(parents=True)
        for name in ("f-1.nbi", "f-1.1.nbc", "notes.txt"):
            (first / "pytensor" / "numba" / name).write_text("of worker 0")
    second = worker(1)
    (second / "pytensor" / "numba").mkdir(parents=True)
    (second / "pytensor" / "numba" / "f-1.nbi").write_text("its own")
    with alone(KEY) as note:
        assert note["seconds"] == 7.5 and note["warm"] is False
        kept = {path.name: path.read_text() for path in (second / "pytensor" / "numba").iterdir()}
    assert kept == {"f-1.nbi": "its own", "f-1.1.nbc": "of worker 0"}
    with alone((*KEY, "other code")) as note:
        assert note == {}


def test_the_note_of_another_run_tells_nothing(worker, monkeypatch):
    worker(0)
    with alone(KEY) as note:
        note.update(seconds=7.5, warm=False)
    worker(1)
    monkeypatch.setenv("ELBOWROOM_RUN", "1235")
    with alone(KEY) as note:
        assert note == {}
    next(iter(worker(0).parent.glob("*.json"))).write_text("{damaged")
    with alone(KEY) as note:
        assert note == {}


def test_who_let_go_of_it_compiles_it_again(worker):
    worker(0)
    with alone(KEY) as note:
        note.update(seconds=7.5, warm=False)
    with alone(KEY) as note:
        assert note == {}


def test_one_at_a_time(worker):
    worker(0)
    order = []

    def compile_slowly():
        with alone(KEY):
            order.append("begins")
            time.sleep(0.05)
            order.append("ends")

    threads = [threading.Thread(target=compile_slowly) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order == ["begins", "ends"] * 3


def test_who_hangs_is_not_waited_for_forever(worker, monkeypatch):
    worker(0)
    monkeypatch.setattr(shared_compiling, "_PATIENCE", 0.01)
    with alone(KEY) as note:
        note.update(seconds=1.0, warm=False)
        with alone(KEY) as other:
            assert other == {}


@pytest.mark.parametrize("key", [KEY, None])
def test_outside_of_workers_nothing_is_shared(monkeypatch, tmp_path, key):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    monkeypatch.setenv("ELBOWROOM_RUN", "1234")
    with alone(key) as note:
        assert note == {}
        note.update(seconds=1.0)
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_no_lock(worker):
    worker(0)
    with pytest.raises(ZeroDivisionError), alone(KEY):
        raise ZeroDivisionError
    with alone(KEY) as note:
        assert note == {}
