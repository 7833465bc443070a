"""What is shown says what runs, what is done and how long is left; and never on standard output."""

import io
import sys

import pytest

from experiments.engine.workers.interface import Event, Outcome, Task
from experiments.engine.workers.progress import Progress, Tally
from experiments.engine.workers.terminal import duration


def task(key, kind=None):
    return Task(key, "module:function", None, f"galaxies / {key} [K=3]", 60.0, kind=kind)


def finished(t, seconds, status="ok", message=""):
    return Event("finished", t, Outcome(t.key, status, None, message, seconds))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_task_may_start_again_after_its_worker_died():
    tally = Tally(workers=1)
    for event in ("submitted", "started", "started"):
        tally.see(Event(event, task("a")))
    tally.see(finished(task("a"), 1.0))
    assert tally.finished == 1 and not tally.running


def test_time_left_follows_from_tasks_of_the_same_kind():
    clock = Clock()
    tally = Tally(workers=2, clock=clock)
    cavi, nuts = [task(f"cavi{i}", "cavi") for i in range(3)], [task(f"nuts{i}", "nuts") for i in range(3)]
    for t in cavi + nuts:
        tally.see(Event("submitted", t))
    assert tally.total == 6
    tally.see(Event("started", cavi[0]))
    tally.see(Event("started", nuts[0]))
    assert tally.seconds_left() is None

    tally.see(finished(cavi[0], 2.0))
    tally.see(finished(nuts[0], 20.0))
    # 2 x 2 + 2 x 20 seconds ahead, on two workers
    assert tally.seconds_left() == pytest.approx(22.0)

    tally.see(Event("started", nuts[1]))
    tally.see(Event("started", nuts[2]))
    clock.now = 5.0
    # 15 left of each; then 2 x 2
    assert tally.seconds_left() == pytest.approx((15 + 15 + 2 + 2) / 2)
    tally.see(finished(nuts[1], 5.0))
    for t in cavi[1:]:
        tally.see(Event("started", t))
        tally.see(finished(t, 2.0))
    # one task alone cannot be shared: the mean of 20 and 5, less the 5 that it has had
    assert tally.seconds_left() == pytest.approx(12.5 - 5)
    clock.now = 100.0
    assert tally.seconds_left() == 0.0  # late, but never less than nothing


def test_tasks_to_come_count():
    tally = Tally(workers=1, expected=3)
    first = task("a")
    tally.see(Event("submitted", first))
    tally.see(Event("started", first))
    tally.see(finished(first, 10.0))
    assert tally.total == 3
    assert tally.seconds_left() == pytest.approx(20.0)


def run(progress):
    a, b, c = task("a"), task("b"), task("c")
    with progress:
        for t in (a, b, c):
            progress(Event("submitted", t))
        progress(Event("started", a))
        progress(Event("started", b))
        progress(finished(a, 12.3))
        progress(Event("started", c))
        progress(finished(b, 3.0, "crashed", "its worker process was ended by SIGSEGV"))
        progress(finished(c, 200.0))


def test_plain_lines(capsys):
    stream = io.StringIO()
    run(Progress(3, workers=2, kept=4, stream=stream))
    assert stream.getvalue().splitlines() == [
        "4 done by an earlier run, kept",
        "[0/3] start  galaxies / a [K=3]",
        "[0/3] start  galaxies / b [K=3]",
        "[1/3] done   galaxies / a [K=3] (12 s); about 12 s left",
        "[1/3] start  galaxies / c [K=3]",
        "[2/3] CRASHED galaxies / b [K=3] (3.0 s): its worker process was ended by SIGSEGV",
        "[3/3] done   galaxies / c [K=3] (3 min 20 s)",
    ]
    assert capsys.readouterr() == ("", "")


def test_standard_error_is_the_default(capsys):
    run(Progress())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 6


def test_a_terminal_gets_a_live_display(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream, before = Terminal(), sys.stdout
    progress = Progress(3, workers=2, stream=stream)
    a = task("a")
    with progress:
        assert sys.stdout is before
        progress(Event("submitted", a))
        progress(Event("started", a))
        progress._live.refresh()
        progress(finished(a, 2.0))
        progress._live.refresh()
    shown = stream.getvalue()
    assert "galaxies / a [K=3]" in shown
    assert "0 of 3 done, time left not known yet" in shown
    assert "1 of 3 done, about 2.0 s left" in shown
    assert "\x1b[" in shown
    assert capsys.readouterr() == ("", "")
    assert progress._live is None


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    run(Progress(stream=stream))
    assert "\x1b" not in stream.getvalue()


def test_an_interruption_is_said():
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt), Progress(5, stream=stream):
        raise KeyboardInterrupt
    assert stream.getvalue() == "interrupted: 0 of 5 done\n"


def test_a_closed_stream_does_not_end_the_run():
    stream = io.StringIO()
    progress = Progress(stream=stream)
    with progress:
        stream.close()
        progress.say("nobody hears this")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7830, "2 h 10 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds, words):
    assert duration(seconds) == words


def test_one_that_is_tried_once_more_is_told_and_not_counted_twice():
    stream, one = io.StringIO(), task("a")
    with Progress(1, workers=1, stream=stream) as progress:
        progress(Event("submitted", one))
        progress(Event("started", one))
        died = Outcome("a", "crashed", None, "its worker process was ended by SIGKILL", 1.0)
        progress(Event("retried", one, died))
        assert (progress.tally.finished, progress.tally.running) == (0, {})
        progress(Event("started", one))
        progress(finished(one, 1.0))
        assert (progress.tally.finished, progress.tally.total) == (1, 1)
    assert "ended by SIGKILL; it is tried once more" in stream.getvalue()
