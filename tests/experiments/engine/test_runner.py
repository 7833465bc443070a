"""Running studies: what goes wrong costs one cell, what is done is kept, and resuming changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.commands._json import summary
from experiments.config.reading import parse_config
from experiments.engine import runner
from experiments.studies import plan_of

ROOT = Path(__file__).parents[3]
HEAD = """
name = "trial"
seed = 5
[[datasets]]
name = "points"
source = "simulated"
n = 8
means = [-2.0, 2.0]
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 25.0 }
"""


def config(*methods, run=""):
    return HEAD + "".join(f"[[methods]]\n{method}\n" for method in methods) + f"[run]\n{run}\n"


def odd(name, **options):
    lines = [f'name = "{name}"', f'kind = "tests.experiments.engine.runner_methods:{name}"']
    return "\n".join([*lines, *(f"{key} = {json.dumps(value)}" for key, value in options.items())])


def run(text, folder):
    return runner.run(plan_of(parse_config(text)), folder=folder, workers=2, progress=False)


def cells(record):
    return {cell.cell.method: cell for problem in record.problems for cell in problem.cells}


WAIT = 4.0
CAVI = 'name = "cavi"\nstarts = 3\ndraws = 500'


@pytest.fixture(scope="module")
def bad_day(tmp_path_factory):
    """A study in which everything goes wrong that can, but for CAVI."""
    methods = [CAVI, odd("crash"), odd("fail"), odd("overflow"), odd("hang")]
    folder = tmp_path_factory.mktemp("bad") / "day"
    return run(config(*methods, run="time_limit = 20"), folder), folder


@pytest.mark.parametrize(
    ("method", "status", "says"),
    [
        ("crash", "crashed", "exit code 3"),
        ("fail", "failed", "it did not work"),
        ("overflow", "not_finite", "the loss became infinite"),
        ("hang", "timed_out", "time limit of 20 s"),
        ("cavi", "ok", "the bound stopped rising"),
    ],
)
def test_trouble_is_a_recorded_outcome_and_the_others_go_on(bad_day, method, status, says):
    record, _ = bad_day
    cell = cells(record)[method]
    assert cell.status == status
    assert says in cell.message
    assert bool(cell.measurements) == (status == "ok")
    assert ("in fit" in cell.traceback) == (status == "failed")
    (shown,) = (one for one in summary(record)["cells"] if one["method"] == method)
    assert shown["traceback"] == (cell.traceback or None)


def test_the_rest_is_judged_all_the_same(bad_day):
    record, _ = bad_day
    assert record.verdict.decision == "pass"
    assert record.problems[0].reference.method == "enumeration"


def test_what_is_stored_is_what_was_returned(bad_day):
    record, folder = bad_day
    again = runner.load(folder)
    assert again.verdict == record.verdict
    assert {k: (c.status, c.bound) for k, c in cells(again).items()} == {
        k: (c.status, c.bound) for k, c in cells(record).items()
    }


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The same study run twice in one folder; one method notes its calls, another fails and notes them."""
    folder = tmp_path_factory.mktemp("twice")
    text = config(
        CAVI, odd("fine", log=str(folder / "fine"), wait=WAIT), odd("fail", log=str(folder / "fail"))
    )
    return run(text, folder / "study"), run(text, folder / "study"), folder


def test_running_again_recomputes_nothing(twice):
    first, second, folder = twice
    assert (folder / "fine").read_text() == "called\n"
    assert figures(first) == figures(second)
    assert cells(second)["cavi"].seconds_run == cells(first)["cavi"].seconds_run


def test_a_failure_is_tried_again(twice):
    assert (twice[2] / "fail").read_text() == "called\n" * 2


def test_killed_half_way_and_run_again_the_figures_are_the_same(twice, tmp_path):
    """SIGKILL of the whole run while its second cell works; no worker outlives it."""
    whole = twice[0]
    text = config(CAVI, odd("fine", wait=WAIT))
    (tmp_path / "trial.toml").write_text(text)
    command = [sys.executable, "-m", "experiments.commands.cli", "run", str(tmp_path / "trial.toml")]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(lambda: list(tmp_path.glob("trial/draws/*.nc")))
    wait_for(lambda: cells(runner.load(tmp_path / "trial"))["cavi"].status == "ok")  # its row comes later
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    half = runner.load(tmp_path / "trial")
    assert [cell.status for cell in cells(half).values()] == ["ok", "missing"]
    wait_for(lambda: not any(is_running(int(child)) for child in children))

    resumed = run(text, tmp_path / "trial")
    assert figures(resumed) == {method: figures(whole)[method] for method in ("cavi", "fine")}
    assert resumed.verdict == whole.verdict


def figures(record):
    """Every figure but wall times."""
    return {
        method: {
            name: (m.value, m.standard_error)
            for name, m in cell.measurements.items()
            if name not in ("wall_time", "ess_per_second", "cost_to_accuracy")
        }
        for method, cell in cells(record).items()
    }


def wait_for(condition, seconds=240.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" and os.path.exists(f"/proc/{pid}")
    except OSError:
        return False


def test_a_verdict_by_other_margins_is_not_kept_where_the_judge_comes_to_nothing(tmp_path):
    cavi = 'name = "cavi"\nstarts = 2'
    assert run(config(cavi), tmp_path).verdict.decision == "pass"
    strict = config(cavi, run="time_limit = 0.01") + "[verdict]\nmargin = 0.001\n"
    record = run(strict, tmp_path)
    assert cells(record)["cavi"].status == "ok" and cells(record)["cavi"].verdict is None
    assert record.verdict.decision == "undecided"


def test_a_result_that_cannot_be_kept_costs_its_cell_alone(tmp_path):
    record = run(config(odd("no_json"), odd("no_tree"), 'name = "cavi"\nstarts = 2'), tmp_path)
    found = cells(record)
    assert found["cavi"].status == "ok" and found["cavi"].verdict.decision == "pass"
    assert found["no_json"].status == "failed" and "a PosixPath cannot be kept" in found["no_json"].message
    assert found["no_tree"].status == "failed" and "chains are an object of" in found["no_tree"].message
