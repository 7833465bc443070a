"""Whatever runs a study, the same numbers come out, bit for bit."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr

from experiments.config.reading import parse_config
from experiments.engine import runner
from experiments.engine.workers import distributed
from experiments.engine.workers.executors import executor
from experiments.studies import plan_of
from hand_cavi import InputError
from tests.experiments.engine.test_runner import wait_for

ROOT = Path(__file__).parents[3]
STUDY = """
name = "trial"
seed = 5
[[datasets]]
name = "points"
source = "simulated"
n = 12
means = [-2.0, 2.0]
[[models]]
name = "two"
family = "normal_gamma"
components = 2
prior = { mean = 0.0, precision_scale = 0.1, shape = 2.0, rate = 1.0 }
[[methods]]
name = "cavi"
starts = 3
draws = 500
[[methods]]
name = "gibbs"
draws = 200
[[methods]]
name = "broken"
kind = "tests.experiments.engine.runner_methods:wrong"
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "trial.toml"
    path.write_text(STUDY)
    return path


def run_on(on, study, tmp_path):
    """Run the study as a command, in a process of its own; return its record."""
    folder = tmp_path / "".join(filter(str.isalnum, on))[-30:]
    command = [sys.executable, "-m", "experiments.commands.cli", "run", str(study), "--on", on]
    done = subprocess.run(
        [*command, "--output", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 1, done.stderr  # one method is broken
    assert "Traceback" not in done.stderr
    record = runner.load(folder / "trial")
    if on != "serial":  # which lets through what is printed
        assert "\x1b" not in done.stdout + done.stderr and "says so" not in done.stderr
        assert "broken: ValueError: it did not work\n    | it says so\n" in done.stdout
        assert record.problems[0].cells[-1].printed == "it says so"
    return record


def numbers_of(record):
    """All draws, bounds and measurements but wall times, by method."""
    timed = ("wall_time", "ess_per_second", "cost_to_accuracy")
    found = {}
    for cell in record.problems[0].cells:
        draws = {} if cell.draws is None else xr.load_dataset(cell.draws, group="posterior").data_vars
        found[cell.cell.method] = (
            cell.status,
            cell.message,
            cell.bound,
            {name: array.values.tobytes() for name, array in draws.items()},
            {name: one.value for name, one in cell.measurements.items() if name not in timed},
        )
    return found


def same(a, b):
    np.testing.assert_equal(numbers_of(a), numbers_of(b))
    assert a.verdict == b.verdict


def test_processes_this_process_and_dask_agree(study, tmp_path):
    local = run_on("local", study, tmp_path)
    assert [cell.status for cell in local.problems[0].cells] == ["ok", "ok", "failed"]
    same(local, run_on("serial", study, tmp_path))
    same(local, run_on("dask", study, tmp_path))


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and a worker as processes of their own; gives the scheduler's file and both."""
    file = tmp_path / "scheduler.json"
    scheduler = start("scheduler", "--scheduler-file", file, "--port", "0", "--no-dashboard")
    worker = start("worker", "--scheduler-file", file, "--nthreads", "1", "--no-dashboard")
    try:
        wait_for(file.is_file)
        yield file, scheduler, worker
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(60)


def start(what, *arguments):
    command = [sys.executable, "-m", "distributed.cli.dask_" + what, *map(str, arguments)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command, "--host", "127.0.0.1"], cwd=ROOT, **quiet)


@pytest.mark.faults
def test_a_cluster_that_is_there_is_joined(study, tmp_path, cluster):
    file, *_ = cluster
    same(run_on("local", study, tmp_path), run_on(str(file), study, tmp_path))


@pytest.mark.faults
def test_a_worker_of_another_version_is_refused(cluster, monkeypatch):
    versions = {**distributed.made_by(), "numpy": "1.0"}
    monkeypatch.setattr(distributed, "made_by", Pretended(versions))
    with pytest.raises(InputError, match=r"cannot be relied on: numpy is .*, not 1\.0"):
        executor(str(cluster[0]), 2)


class Pretended:
    """The versions here, and the true ones on a worker, which unpickles the true function."""

    def __init__(self, versions):
        self.versions = versions

    def __call__(self):
        return self.versions

    def __reduce__(self):
        return "made_by"

    __module__, __qualname__ = "experiments.engine.workers.distributed", "made_by"


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("ladida", "is none of local, serial, dask"),
        ("tcp://127.0.0.1:9", "no Dask scheduler with a worker answers at tcp://127.0.0.1:9"),
    ],
)
def test_an_executor_that_cannot_be_had_is_a_sentence(on, words, monkeypatch):
    monkeypatch.setattr(distributed, "_PATIENCE", 1.0)
    with pytest.raises(InputError, match=words):
        executor(on, 2)


def test_without_dask_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"elbowroom\[distributed\]"):
        executor("dask", 2)


@pytest.mark.faults
def test_a_lost_scheduler_ends_the_run_with_a_sentence_and_nothing_is_lost(study, tmp_path, cluster):
    file, scheduler, _ = cluster
    text = STUDY.replace("runner_methods:wrong", "runner_methods:fine") + "wait = 30.0\n"
    study.write_text(text)
    command = [sys.executable, "-m", "experiments.commands.cli", "run", str(study), "--on", str(file)]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "lost")], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: list(tmp_path.glob("lost/trial/draws/*.nc")), 200)
    scheduler.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2, said
    assert "was lost; what is done is kept" in said and "Traceback" not in said
    done = [cell.status for cell in runner.load(tmp_path / "lost" / "trial").problems[0].cells]
    assert "ok" in done and "missing" in done
    resumed = runner.run(plan_of(parse_config(text)), folder=tmp_path / "lost" / "trial", progress=False)
    assert [cell.status for cell in resumed.problems[0].cells] == ["ok", "ok", "ok"]


@pytest.mark.faults
def test_a_dask_worker_that_dies_costs_a_retry_elsewhere(study, tmp_path, cluster):
    """Its cell is begun again by the worker that is left, and comes out as if nothing had happened."""
    file, _, first = cluster
    log, text = tmp_path / "calls", STUDY.replace("runner_methods:wrong", "runner_methods:fine")
    study.write_text(text + f'wait = 15.0\nlog = "{log}"\n')
    command = [sys.executable, "-m", "experiments.commands.cli", "run", str(study), "--on", str(file)]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out")], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    wait_for(log.exists)
    second = start("worker", "--scheduler-file", file, "--nthreads", "1", "--no-dashboard")
    try:
        for child in psutil.Process(first.pid).children(recursive=True):
            child.kill()
        first.kill()
        _, said = process.communicate(timeout=240)
    finally:
        second.terminate()
        second.wait(60)
    assert process.returncode == 0, said
    cells = runner.load(tmp_path / "out" / "trial").problems[0].cells
    assert [cell.status for cell in cells] == ["ok", "ok", "ok"]
    assert log.read_text() == "called\n" * 2
