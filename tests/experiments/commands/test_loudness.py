"""How much commands say, and in which colours: --quiet, --verbose and NO_COLOR, of all commands alike."""

import io
import re
import sys
from pathlib import Path

import pytest
import typer

from experiments.commands import _drawing, _progress, cli
from experiments.commands._app import app
from experiments.commands._drawing import DrawingProgress
from experiments.commands._messages import begin
from experiments.commands._progress import FitProgress
from experiments.commands._terminal import print_study
from experiments.engine import runner
from experiments.engine.workers.executors import executor
from experiments.engine.workers.interface import Event, Task
from experiments.engine.workers.progress import Progress
from tests.experiments.engine.test_runner import CAVI, config, odd, run

FIT = ("fit", "x.csv", "--components", 9, "--starts", 1)  # nine components of four points: a remark


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def as_before():
    yield
    begin()


@pytest.fixture
def points(here):
    (here / "x.csv").write_text("a\n1\n2\n7.5\n9\n")
    return here


def test_every_command_takes_both(elbowroom):
    commands = typer.main.get_command(app).commands
    assert len(commands) >= 15
    for command in commands:
        code, out, _ = elbowroom(command, "--help")
        assert code == 0 and "--quiet" in out and "--verbose" in out
    code, _, err = elbowroom("list", "--quiet", "--verbose")
    assert code == 2 and "contradict each other" in err


def test_quiet_leaves_results_and_errors(points, elbowroom):
    code, out, err = elbowroom(*FIT)
    assert code == 0 and "4 points for 9 components" in err
    assert elbowroom(*FIT, "--quiet") == (0, out, "")
    code, out, err = elbowroom("fit", "y.csv", "--components", 2, "-q")
    assert (code, out) == (2, "") and err.startswith('elbowroom: there is no data file "y.csv"')


def test_verbose_tells_what_goes_on_and_where_an_error_came_from(points, elbowroom, monkeypatch, capsys):
    code, out, err = elbowroom(*FIT, "-v")
    assert code == 0 and re.search(r"elbowroom: \[\d+\.\d s\] fit ends", err)
    code, plain, err = elbowroom("fit", "y.csv", "--components", 2)
    monkeypatch.setattr(sys, "argv", ["elbowroom", "fit", "y.csv", "--components", "2", "--verbose"])
    with pytest.raises(SystemExit):
        cli.main()
    told = capsys.readouterr().err
    assert "Traceback" in told and told.endswith(err)
    assert "Traceback" not in elbowroom("fit", "y.csv", "--components", 2)[2]  # the next is asked anew


def test_a_study_is_run_as_loudly_as_asked(here, elbowroom, monkeypatch):
    monkeypatch.setattr(
        runner, "executor", lambda on, workers, on_start=None: executor("serial", 1, on_start)
    )
    monkeypatch.setattr("experiments.report.write_report", lambda *args, **options: None)
    monkeypatch.delitem(sys.modules, "tests.experiments.engine.runner_methods", raising=False)
    (here / "study.toml").write_text(config(CAVI, odd("fail")))
    code, _, err = elbowroom("run", "study.toml", "--json", "--quiet")
    assert code == 1 and "runs the code of" in err and len(err.splitlines()) == 1  # that is always said
    code, _, err = elbowroom("run", "study.toml", "--json")
    assert code == 1 and "FAILED" in err and "raise error" not in err
    code, _, err = elbowroom("run", "study.toml", "--json", "--verbose")
    assert code == 1 and "study.toml: 2 cells of 1 problems" in err
    assert "points/two/fail failed:" in err and "raise error" in err


def test_displays_are_silent_when_asked_to_be(monkeypatch):
    now = iter(range(0, 1000, 10))
    for quiet in (True, False):
        begin(quiet=quiet)
        for stream in (Terminal(), io.StringIO()):
            with DrawingProgress(stream, lambda: next(now)) as drawing:
                drawing(0, 3, "a")
                drawing(1, 3, "b")
            assert bool(stream.getvalue()) != quiet
        stream = Terminal()
        with FitProgress(stream, lambda: next(now)) as progress:
            progress.begins("K = 2")
        assert bool(stream.getvalue()) != quiet


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "executor", lambda on, workers, on_start=None: executor("serial", 1, on_start))
        return run(config(CAVI, odd("fail")), tmp_path_factory.mktemp("colours") / "trial")


@pytest.mark.parametrize("asked", ["", "1"])
def test_no_color_takes_all_colours_away(study, monkeypatch, asked):
    monkeypatch.setenv("NO_COLOR", asked)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    print_study(study, report="report.html")
    task = Task("a", "no.module:none", None, "fit a", 60.0)
    with Progress(1, stream=err) as progress:
        progress(Event("submitted", task))
        progress(Event("started", task))
        progress.say("trouble", trouble=True)
    colours = re.compile(r"\x1b\[[\d;]*m")
    for stream in (out, err):
        found = [one for one in colours.findall(stream.getvalue()) if one not in ("\x1b[m", "\x1b[0m")]
        assert bool(found) != bool(asked)


def test_what_draws_is_the_one_console():
    """No other place makes a console, which would have colours of its own."""
    root = Path(cli.__file__).parents[1]
    made = [path.name for path in root.rglob("*.py") if re.search(r"\bConsole\(", path.read_text("utf-8"))]
    assert made == ["terminal.py"]
    assert _drawing.live_display is _progress.live_display
