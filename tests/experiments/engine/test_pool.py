"""Whatever a task does, it costs that task alone, and nothing is left running."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from experiments.engine.workers.interface import Outcome, Task
from experiments.engine.workers.pool import Pool
from experiments.engine.workers.process import how_it_died

HERE = Path(__file__).parent
LONG = 120.0


@pytest.fixture(autouse=True)
def tasks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(HERE)


def task(key, name, payload=None, *, limit=LONG, affinity=None, memory=None):
    """Return a task; `memory` is its limit in MiB."""
    most = None if memory is None else memory << 20
    return Task(key, f"pool_tasks:{name}", payload, f"task {key}", limit, affinity, most)


def run_tasks(tasks, *, workers=2, **options):
    """Run tasks in a pool of their own."""
    with Pool(workers, **options) as pool:
        for one in tasks:
            pool.submit(one)
        yield from pool.results()


def outcomes(tasks, **options) -> dict[str, Outcome]:
    return {outcome.key: outcome for outcome in run_tasks(tasks, **options)}


def is_running(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def any_running(note: Path) -> bool:
    """Return whether any process whose number is in the note runs."""
    return any(is_running(int(pid)) for pid in note.read_text().split())


def eventually(condition, seconds=120.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def test_every_way_to_end_is_an_outcome_of_that_task_alone():
    given = [
        task("fine", "double", 21),
        task("raises", "boom"),
        task("exits", "leave", 3),
        task("vanishes", "vanish", 7),
        task("killed", "kill_self", signal.SIGKILL),
        task("segfaults", "segfault"),
        task("unpicklable", "unpicklable"),
        task("unreadable", "unreadable"),
        task("bad input", "double", lambda: None),
        task("slow", "nap", 600, limit=2),
        task("no such function", "nothing_of_that_name"),
        task("orphan", "leave_a_child_and_vanish"),
        task("fine after all", "double", 4),
    ]
    ends = outcomes(given)

    assert {key: end.status for key, end in ends.items()} == {
        "fine": "ok",
        "raises": "failed",
        "exits": "failed",
        "vanishes": "crashed",
        "killed": "crashed",
        "segfaults": "crashed",
        "unpicklable": "failed",
        "unreadable": "failed",
        "bad input": "failed",
        "slow": "timed_out",
        "no such function": "failed",
        "orphan": "crashed",
        "fine after all": "ok",
    }
    assert ends["fine"].value == 42 and ends["fine"].message == ""
    assert ends["fine after all"].value == 8
    assert all(end.value is None for end in ends.values() if end.status != "ok")

    assert ends["raises"].message == "ValueError: the first line and a second"
    assert "in boom" in ends["raises"].detail
    assert ends["exits"].message == "SystemExit: 3"
    assert "exit code 7" in ends["vanishes"].message
    assert "SIGKILL" in ends["killed"].message
    assert "SIGSEGV" in ends["segfaults"].message
    assert ends["unpicklable"].message.startswith("its result cannot be handed back: ")
    assert ends["unreadable"].message.startswith("its result cannot be read: ValueError")
    assert ends["bad input"].message.startswith("its input cannot be sent to a worker: ")
    assert "time limit of 2 s" in ends["slow"].message
    assert 2 <= ends["slow"].seconds < 30
    assert "nothing_of_that_name" in ends["no such function"].message
    assert "exit code 5" in ends["orphan"].message


def test_many_small_tasks_share_two_processes():
    ends = outcomes([task(str(i), "pid") for i in range(300)])
    assert len(ends) == 300
    pids = {end.value for end in ends.values()}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids
    assert eventually(lambda: not any(map(is_running, pids)))


def test_a_worker_is_kept_after_an_exception_and_replaced_after_a_crash():
    names = ["pid", "boom", "pid", "vanish", "pid"]
    ends = outcomes([task(str(i), name, 1) for i, name in enumerate(names)], workers=1)
    first, second, third = (ends[key].value for key in "024")
    assert first == second != third


def test_a_worker_that_dies_idle_is_replaced_and_nobody_blamed():
    with Pool(1) as pool:
        pool.submit(task("a", "pid"))
        (first,) = pool.results()
        os.kill(first.value, signal.SIGKILL)
        assert eventually(lambda: not is_running(first.value))
        pool.submit(task("b", "pid"))
        (second,) = pool.results()
    assert second.status == "ok" and second.value != first.value


def test_workers_run_side_by_side():
    start = time.monotonic()
    ends = outcomes([task("a", "nap", 4), task("b", "nap", 4)])
    assert len({end.value for end in ends.values()}) == 2
    assert max(end.seconds for end in ends.values()) < time.monotonic() - start < 8


def test_the_environment_is_there_before_anything_is_imported():
    ends = outcomes(
        [task("a", "environment", "OMP_NUM_THREADS"), task("b", "environment", "OMP_NUM_THREADS")],
        environment=lambda slot: {"OMP_NUM_THREADS": str(slot + 70)},
    )
    values = [end.value for end in ends.values()]
    assert {threads for threads, _ in values} <= {"70", "71"}
    assert not any(numpy_is_loaded for _, numpy_is_loaded in values)
    assert os.environ.get("OMP_NUM_THREADS") not in {"70", "71"}


def test_a_worker_does_not_import_the_main_module_again():
    (end,) = run_tasks([task("a", "main_module")])
    assert end.value == (None, set())


def test_tasks_can_follow_from_results():
    seen = []
    with Pool(2) as pool:
        pool.submit(task("1", "double", 1))
        for end in pool.results():
            seen.append(end.value)
            if end.value < 100:
                pool.submit(task(str(end.value), "double", end.value))
        assert seen == [2, 4, 8, 16, 32, 64, 128]
        pool.submit(task("again", "double", 5))
        assert [end.value for end in pool.results()] == [10]


def test_affinity_keeps_likes_together_but_nobody_idle():
    mixed = [task(f"{kind}{i}", "nap", 0.05, affinity=kind) for i in range(6) for kind in "ab"]
    ends = outcomes(mixed)
    homes = {kind: {ends[f"{kind}{i}"].value for i in range(1, 5)} for kind in "ab"}
    assert all(len(pids) <= 2 for pids in homes.values())

    alone = outcomes([task(str(i), "nap", 2, affinity="same") for i in range(2)])
    assert len({end.value for end in alone.values()}) == 2


def test_affinity_chooses_the_warm_worker():
    with Pool(2) as pool:
        for kind in "ab":
            pool.submit(task(kind, "nap", 2, affinity=kind))
        home = {end.key: end.value for end in pool.results()}
        assert home["a"] != home["b"]
        for i, kind in enumerate("babbaa"):
            pool.submit(task(str(i), "pid", affinity=kind))
            (end,) = pool.results()
            assert end.value == home[kind]


def test_what_starts_is_told():
    started: list[Task] = []
    outcomes([task("a", "double", 1), task("b", "boom")], workers=1, on_start=started.append)
    assert [one.key for one in started] == ["a", "b"]


def test_too_much_memory_ends_the_task_and_says_how_much():
    ends = outcomes([task("much", "hold", 300, memory=200), task("little", "hold", 50, memory=400)])
    assert ends["much"].status == "crashed"
    assert "memory limit of 200 MiB: it held" in ends["much"].message
    assert ends["little"].status == "ok"
    assert 50 * 2**20 < ends["little"].peak_bytes < 400 * 2**20


def test_what_tasks_print_comes_with_their_outcomes_and_nothing_to_the_terminal(capfd):
    ends = outcomes(
        [
            task("a", "chatter", "hello"),
            task("b", "chatter", "\x1b[31mred\x1b[0m \x07 10 %\r99 %\r100 %"),
            task("c", "double", 1),
            task("much", "chatter", 100_000 * "x" + "the end"),
            task("d", "print_and", ["last words", "exit"]),
            task("e", "print_and", ["still here", "wait"], limit=3),
            task("f", "print_and", ["oh", "raise"]),
        ],
        workers=1,
    )
    assert capfd.readouterr() == ("", "")
    assert ends["a"].printed.split() == ["hello", "hellohello"]
    assert "100 %" in ends["b"].printed and "red" not in ends["b"].printed  # that line was written over
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", ends["b"].printed)
    assert ends["c"].printed == ""
    assert len(ends["much"].printed) < 4100 and ends["much"].printed.startswith("... (29")
    assert ends["much"].printed.endswith("the end")
    statuses = [(ends[key].status, ends[key].printed) for key in "def"]
    assert statuses == [("crashed", "last words"), ("timed_out", "still here"), ("failed", "oh")]


@pytest.mark.parametrize("name", ["with_child", "deaf"])
def test_a_time_out_takes_along_what_the_task_started(tmp_path, name):
    note = tmp_path / "pids"
    (end,) = run_tasks([task("a", name, str(note), limit=4)])
    assert end.status == "timed_out"
    assert eventually(lambda: not any_running(note))


def test_leaving_early_ends_the_busy(tmp_path):
    note = tmp_path / "pids"
    with Pool(2) as pool:
        pool.submit(task("a", "with_child", str(note)))
        pool.submit(task("b", "double", 1))
        assert next(pool.results()).key == "b"
        assert eventually(note.exists)
    assert eventually(lambda: not any_running(note))


PARENT = """
    import signal, sys
    from experiments.engine.workers.pool import Pool
    from experiments.engine.workers.interface import Task
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    sys.path.insert(0, {here!r})
    try:
        with Pool(2) as pool:
            for i, note in enumerate(sys.argv[1:]):
                pool.submit(Task(str(i), "pool_tasks:with_child", note, note, 600.0))
            print("ready", flush=True)
            for outcome in pool.results():
                print(outcome, flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.exit(130)
"""


@pytest.fixture
def parent(tmp_path):
    """A process with two busy workers, each with a child; gives it and the four process numbers."""
    notes = [tmp_path / "first", tmp_path / "second"]
    code = textwrap.dedent(PARENT).format(here=str(HERE))
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, notes)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert eventually(lambda: all(note.exists() for note in notes), 60)
        pids = [int(pid) for note in notes for pid in note.read_text().split()]
        assert all(map(is_running, pids))
        yield process, pids
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_stops_everything_cleanly(parent):
    process, pids = parent
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the whole foreground group
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out.split() == ["ready", "interrupted"]
    assert eventually(lambda: not any(map(is_running, pids)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_orphans_when_the_parent_is_killed(parent, number):
    process, pids = parent
    process.send_signal(number)
    process.wait(120)
    assert eventually(lambda: not any(map(is_running, pids)))


@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-9, "ended by SIGKILL"),
        (-11, "SIGSEGV"),
        (-250, "signal 250"),
    ],
)
def test_how_it_died_names_the_cause(returncode, words):
    assert words in how_it_died(returncode)


def test_memory_is_blamed_only_where_the_system_ran_out_of_it():
    assert "memory" not in how_it_died(-9)
    assert how_it_died(-9, out_of_memory=True).endswith("SIGKILL; the system ran out of memory meanwhile")
    assert "memory" not in how_it_died(-11, out_of_memory=True)
