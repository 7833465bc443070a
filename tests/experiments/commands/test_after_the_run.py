"""What can be done with a study that has been run: status, export, merge, rerun, clean."""

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr

from experiments.commands import cli
from experiments.commands.status import over
from experiments.config.reading import parse_config
from experiments.engine import repeating, runner
from experiments.engine.fingerprint import content_key, data_hash
from experiments.engine.repeating import different
from experiments.engine.standing import standing
from experiments.engine.store.files import read_tree, write_tree
from experiments.engine.store.folder import Store
from experiments.engine.workers.executors import executor
from experiments.studies import plan_of
from tests.experiments.engine.test_runner import CAVI, HEAD, cells, config, odd, run

GIBBS = 'name = "gibbs"\ndraws = 500\ntune = 200'


def here(on, workers, on_start=None):
    """Run tasks in this process: these tests are about something else."""
    return executor("serial", workers, on_start)


@pytest.fixture(scope="module", autouse=True)
def at_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "executor", here)
        patch.setattr(repeating, "executor", here)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """CAVI, Gibbs, and one that fails; its configuration lies beside it."""
    folder = tmp_path_factory.mktemp("after") / "trial"
    text = config(CAVI, GIBBS, odd("fail"))
    folder.with_suffix(".toml").write_text(text)
    return folder, run(text, folder)


@pytest.fixture
def copied(study, tmp_path):
    shutil.copytree(study[0], tmp_path / "trial")
    return tmp_path / "trial"


@pytest.fixture
def elbowroom(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["elbowroom", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def bytes_of(folder):
    return {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "sqlite-" not in path.name
    }


# Provenance


def test_how_a_cell_was_made_is_kept_and_no_part_of_its_key(study):
    folder, record = study
    with Store.open(folder, writable=False) as store:
        made, run = store.provenances(), store.run()
    for cell in cells(record).values():
        one = made[cell.cell.key]
        assert content_key(one.content) == cell.cell.key  # all that the key stands for, and nothing else
        assert one.started <= one.ended and one.started.endswith("+00:00")
        assert one.content["data"] == data_hash(record.problems[0].problem.x, None)
        assert len(one.content["seeds"]) == 2 and len(one.content["code"]) == 3
        assert {"numpy", "scipy", "python"} <= set(one.content["versions"])
        assert set(one.machine) == {"processor", "cores", "memory", "system"}
        assert (one.threads, one.attempts, one.peak_bytes, one.cache) == (1, 1, None, "")
    assert run.config["methods"][1]["chains"] == 4  # a default
    assert run.config["run"]["time_limit"] == 600 and run.config["verdict"]["margin"] == 0.25
    assert run.version == "0.1.0" and run.process == os.getpid()
    checkout = (Path(__file__).parents[3] / ".git").exists() and shutil.which("git") is not None
    assert (len(run.commit.removesuffix("+changes")) == 40) == checkout


# Status


def test_status_shows_the_last_lines_that_a_failed_cell_printed(copied, elbowroom):
    with Store.open(copied) as store:
        failed = next(c for c in cells(runner.load(copied)).values() if c.status == "failed")
        store.put_cell(replace(failed, printed="\n".join(f"line {i}\x1b[2J" for i in range(9))))
    code, out, err = elbowroom("status", copied)
    assert code == 0 and "it did not work\n    | line 4" in out and "line 3" not in out and "\x1b" not in out
    code, out, err = elbowroom("status", copied, "--json")
    assert json.loads(out)["cells"][2]["printed"].startswith("line 0")


def test_status_says_how_a_study_stands(study, elbowroom):
    folder, record = study
    code, out, err = elbowroom("status", folder)
    assert code == 0 and not err
    assert "trial: not running; the last run began " in out
    assert "3 cells: 2 done, 1 failed; 1 of 1 problems judged" in out
    assert "failed: points/two/fail: RuntimeError: it did not work" in out
    code, out, err = elbowroom("status", folder, "--cells")
    key = cells(record)["cavi"].cell.key
    assert f"draws/{key}.nc" in out and "points/two/gibbs" in out
    code, out, err = elbowroom("status", folder, "--json")
    found = json.loads(out)
    assert found["counts"]["done"] == 2 and found["cells"][0]["draws"] == f"draws/{key}.nc"
    assert found["cells"][0]["provenance"]["content"]["kind"] == "cavi"
    assert elbowroom("status", folder, "--json", "--follow")[0] == 2


def test_status_of_a_study_without_end(copied, elbowroom):
    """While a run holds the folder a begun task runs; when it no longer does, the task is told as stopped."""
    with Store.open(copied) as store:
        (entry,) = store.manifest().problems
        store.put_started(entry.cells[0].key, "cavi on points (two)")
        store.put_started(entry.cells[1].key, "gibbs on points (two)")
        store.put_ended(entry.cells[1].key, "ok")
        now = standing(copied)
        assert now.is_running and [cell.status for cell in now.cells] == ["running", "ok", "failed"]
        assert [task.label for task in now.tasks] == ["cavi on points (two)"]
        assert now.seconds_left is not None and now.seconds_left >= 0
    now = standing(copied)
    assert not now.is_running and now.cells[0].status == "stopped" and now.seconds_left is None
    code, out, err = elbowroom("status", copied, "--follow")  # which ends, because nothing runs
    assert "was running when the run ended: cavi on points (two), since " in out
    assert "1 stopped in the middle" in out


def test_lines_that_are_wider_than_the_terminal_are_written_over_too():
    assert over(["short", "", "x" * 161], 80) == "\x1b[5F\x1b[J"


def test_status_while_a_run_of_another_process_goes_on_and_after_it_is_killed(tmp_path):
    """The store is held by a process of its own, which is then killed: its lock dies with it."""
    write = (
        "import sys, time; from pathlib import Path; from experiments.engine.store.folder import Store; "
        "from experiments.records import Manifest; folder = Path(sys.argv[1])\n"
        "with Store.open(folder) as store:\n"
        "    store.put_manifest(Manifest('trial', '', 1, {}, {}, ()))\n"
        "    store.put_started('abc', 'a long task')\n"
        "    print('ready', flush=True); time.sleep(600)\n"
    )
    root = Path(__file__).parents[3]
    process = subprocess.Popen([sys.executable, "-c", write, str(tmp_path)], stdout=subprocess.PIPE, cwd=root)
    try:
        assert process.stdout.readline() == b"ready\n"
        assert standing(tmp_path).is_running and standing(tmp_path).tasks[0].label == "a long task"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not standing(tmp_path).is_running and standing(tmp_path).tasks[0].label == "a long task"
    with Store.open(tmp_path) as store:
        assert store.manifest().name == "trial"


# Export


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_export_has_every_figure_in_a_row_of_its_own(study, tmp_path, elbowroom, ending):
    folder, record = study
    path = tmp_path / f"figures.{ending}"
    code, out, err = elbowroom("export", folder, "--format", ending, "--to", path)
    assert code == 0 and not err
    if ending == "csv":
        with path.open(newline="") as file:
            rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
        number = float
    else:
        rows, number = pq.read_table(path).to_pylist(), lambda value: value
    assert f"{len(rows)} rows" in out
    cell = cells(record)["cavi"]
    means = [row for row in rows if (row["method"], row["metric"]) == ("cavi", "sorted_means")]
    assert [number(row["value"]) for row in means] == cell.measurements["sorted_means"].value
    assert [row["entry"] for row in means] == ["1", "2"]
    assert {row["decision"] for row in means} == {cell.verdict.decision}
    compared = [row for row in rows if (row["method"], row["metric"]) == ("cavi", "comparison")]
    assert [row["entry"] for row in compared] == [one.quantity for one in cell.verdict.comparisons]
    (failed,) = (row for row in rows if row["method"] == "fail")
    assert failed["status"] == "failed" and failed["metric"] is None and "did not work" in failed["note"]


def test_an_export_of_nothing_writes_nothing(tmp_path, elbowroom):
    code, out, err = elbowroom("export", tmp_path / "none", "--format", "csv", "--to", tmp_path / "a.csv")
    assert code == 2 and "there is no study" in err and not (tmp_path / "a.csv").exists()


# Merge


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """The same problem by one method each, and another data set."""
    folder = tmp_path_factory.mktemp("halves")
    run(config(CAVI), folder / "a")
    run(config(GIBBS), folder / "b")
    more = HEAD.replace('"points"', '"others"').replace("n = 8", "n = 7")
    run(more + f"[[methods]]\n{CAVI}\n", folder / "c")
    return folder


def test_merging_makes_the_union_and_nothing_is_computed_again(halves, tmp_path, elbowroom):
    code, out, err = elbowroom("merge", *(halves / x for x in "abc"), "--output", tmp_path / "all")
    assert code == 0 and "3 of 3 cells have a result" in out
    record = runner.load(tmp_path / "all")
    first, second = record.problems
    assert [cell.cell.method for cell in first.cells] == ["cavi", "gibbs"]
    assert {cell.status for cell in (*first.cells, *second.cells)} == {"ok"}
    assert first.cells[0].verdict is None  # no judge has seen both
    assert second.cells[0].verdict == runner.load(halves / "c").problems[0].cells[0].verdict
    source = runner.load(halves / "b").problems[0].cells[0]
    assert read_tree(first.cells[1].draws).identical(read_tree(source.draws))
    assert standing(tmp_path / "all").damaged == ()
    assert not list(tmp_path.glob(".all*"))

    # Running on from there fits nothing: a method that cannot be called proves it.
    with Store.open(tmp_path / "all") as store:
        keys = {cell.key for entry in store.manifest().problems for cell in entry.cells}
        assert all(store.is_done(key, thorough=True) for key in keys)
    whole = run(config(CAVI, GIBBS), tmp_path / "all")
    assert whole.verdict.decision == "pass" and {c.cell.key for c in cells(whole).values()} <= keys


def test_studies_that_disagree_are_not_merged(halves, tmp_path, elbowroom):
    run(config(CAVI).replace("seed = 5", "seed = 6"), tmp_path / "other seed")
    run(config(CAVI.replace("starts = 3", "starts = 2")), tmp_path / "other settings")
    shutil.copytree(halves / "a", tmp_path / "other draws")
    with Store.open(tmp_path / "other draws") as store:
        (entry,) = store.manifest().problems
        record = store.cell(entry.cells[0].key)
        tree = read_tree(record.draws)
        changed = xr.DataTree.from_dict({name: node.to_dataset() + 1 for name, node in tree.children.items()})
        store.put_cell(record, changed)
    for name, says in {
        "other seed": "the root seeds differ: 5 and 6",
        "other settings": "points/two/cavi differs between .*: other settings",
        "other draws": "points/two/cavi differs between .*: the same computation gave other draws",
    }.items():
        code, out, err = elbowroom("merge", halves / "a", tmp_path / name, "--output", tmp_path / "new")
        assert code == 2 and "these studies do not go together" in err
        assert re.search(says, err), err
        assert not (tmp_path / "new").exists() and not list(tmp_path.glob(".new*"))


def test_merging_takes_the_whole_one_of_two_and_leaves_out_what_is_damaged(halves, tmp_path, elbowroom):
    shutil.copytree(halves / "a", tmp_path / "cut")
    (path,) = (one for one in (tmp_path / "cut" / "draws").glob("*.nc") if "reference" not in one.name)
    os.truncate(path, 1000)
    code, out, err = elbowroom("merge", tmp_path / "cut", halves / "a", "--output", tmp_path / "mended")
    assert code == 0 and "1 of 1 cells have a result" in out and not err
    code, out, err = elbowroom("merge", tmp_path / "cut", "--output", tmp_path / "alone")
    assert "left out: points/two/cavi: the file of its draws is damaged" in err and "0 of 1 cells" in out


def test_merging_one_study_saves_what_can_be_read_of_a_damaged_one(copied, tmp_path, elbowroom):
    with closing(sqlite3.connect(copied / "study.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = database.execute("PRAGMA page_size").fetchone()
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'verdict'"
        (page,) = database.execute(query).fetchone()
    with open(copied / "study.sqlite", "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x7f" * size)
    code, out, err = elbowroom("report", copied)
    assert code == 2 and "elbowroom merge" in err
    code, out, err = elbowroom("merge", copied, "--output", tmp_path / "saved")
    assert code == 0 and "lost in part: verdict" in err and "2 of 3 cells have a result" in out
    with Store.open(tmp_path / "saved") as store:
        (entry,) = store.manifest().problems
        assert [store.is_done(cell.key, thorough=True) for cell in entry.cells] == [True, True, False]
        assert store.judgement(entry.key) is None  # it is made again: its verdicts are lost


# Rerun


def test_a_cell_that_comes_out_the_same_is_told_so_and_the_store_is_not_touched(study, elbowroom):
    folder, record = study
    before, named = bytes_of(folder), ("--config", folder.with_suffix(".toml"))
    code, out, err = elbowroom("rerun", folder, "points/two/cavi", *named)
    assert code == 0 and "points/two/cavi: reproduced: every draw and the bound are equal, bit for bit" in out
    assert "code, versions and machine are the same as then" in out
    key = cells(record)["gibbs"].cell.key
    code, out, err = elbowroom("rerun", folder, key[:10], "--json", *named)
    assert (
        code == 0 and json.loads(out)["reproduced"] is True and json.loads(out)["cell"] == "points/two/gibbs"
    )
    code, out, err = elbowroom("rerun", folder, "points/two/fail", *named)
    assert code == 0 and "reproduced: RuntimeError: it did not work" in out
    assert bytes_of(folder) == before


def test_a_cell_that_comes_out_otherwise_is_told_by_variable_and_what_changed(study, copied, elbowroom):
    with Store.open(copied) as store:
        (entry,) = store.manifest().problems
        key = entry.cells[0].key
        record, made = store.cell(key), store.provenances()[key]
        tree = read_tree(record.draws)
        posterior = tree["posterior"].to_dataset()
        changed = posterior.assign(mu=posterior["mu"] + 0.25)
        made.content["versions"]["numpy"] = "1.0"
        tree = xr.DataTree.from_dict(
            {"posterior": changed, "sample_stats": tree["sample_stats"].to_dataset()}
        )
        store.put_cell(record, tree, made)
    code, out, err = elbowroom("rerun", copied, "points/two/cavi", "--config", study[0].with_suffix(".toml"))
    assert code == 1 and "not reproduced; the largest differences are\n  mu: 0.25\n" in out
    assert f"versions.numpy: 1.0 then, {np.__version__} now" in out and "sample_stats" not in out


def test_a_cell_of_which_nothing_was_kept_is_compared_all_the_same(study, copied, elbowroom):
    with Store.open(copied) as store:
        record = store.cell(store.manifest().problems[0].cells[0].key)
        store.put_cell(record, read_tree(record.draws))
    code, out, err = elbowroom("rerun", copied, "points/two/cavi", "--config", study[0].with_suffix(".toml"))
    assert code == 0 and "bit for bit\n  how it was made then was not kept" in out


def test_a_stored_configuration_runs_no_code_of_ones_own(study, tmp_path, monkeypatch, elbowroom):
    from experiments.engine.workers.interface import Task

    folder, record = study
    monkeypatch.setattr(Task, "__init__", None)
    for cell in ("points/two/cavi", "points/two/fail"):
        code, out, err = elbowroom("rerun", folder, cell)
        assert code == 2 and 'runner_methods:fail" is code of your own, which is not run' in err
        assert "give the configuration that names it, with --config" in err
    both = ("--config", folder.with_suffix(".toml"), "--folder", tmp_path)
    assert elbowroom("rerun", folder, "points/two/cavi", *both)[0] == 2


def test_a_cell_that_is_not_there_is_named(study, elbowroom):
    code, out, err = elbowroom("rerun", study[0], "points/two/cavy")
    assert code == 2 and 'no cell "points/two/cavy"' in err and 'did you mean "points/two/cavi"?' in err


def test_differences_are_by_variable():
    def tree(**arrays):
        data = {name: (("chain", "draw"), np.atleast_2d(values)) for name, values in arrays.items()}
        return xr.DataTree.from_dict({"posterior": xr.Dataset(data)})

    a = tree(mu=[1.0, np.nan], tau=[1.0, 2.0])
    assert different(a, a) == {}
    assert different(a, tree(mu=[1.0, np.nan], tau=[1.0, 2.5])) == {"tau": 0.5}
    assert different(a, tree(mu=[1.0, 2.0], tau=[1.0, 2.0])) == {"mu": np.inf}
    assert different(a, tree(mu=[1.0, np.nan])) == {"tau": np.inf}


# Clean


def test_what_a_study_no_longer_needs_is_told_and_then_removed(copied, tmp_path, monkeypatch, elbowroom):
    cache = tmp_path / "cache"
    (cache / "elbowroom" / "worker-0" / "numba").mkdir(parents=True)
    (cache / "elbowroom" / "worker-0" / "numba" / "code").write_bytes(b"0" * 2_000_000)
    monkeypatch.setenv("ELBOWROOM_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    folder = tmp_path / "studies" / "trial"
    copied.rename(folder)
    assert elbowroom("clean", "trial")[1] == "There is nothing to remove.\n"

    run(config(GIBBS), folder)  # CAVI and the one that fails are no longer in the study
    gone = [path for path in (folder / "draws").glob("*.nc")]
    (folder / "draws" / ".half.nc.part").write_bytes(b"half")
    (folder / "study-format-1.sqlite").write_bytes(b"old")
    before = bytes_of(folder)
    code, out, err = elbowroom("clean")
    assert code == 0 and "draws of cells that are no longer in the study" in out and "compile caches" in out
    assert "1 files  2.0 MB" in " ".join(out.split("\n")) and "Nothing was removed; --yes removes it." in out
    assert bytes_of(folder) == before and (cache / "elbowroom" / "worker-0").exists()

    told = json.loads(elbowroom("clean", "--json")[1])
    assert told["removed"] is False and {one["files"] for one in told["found"]} == {1}
    code, out, err = elbowroom("clean", "--yes")
    assert out.endswith("Removed.\n")
    left = [path for path in (folder / "draws").glob("*.nc")]
    assert 0 < len(left) < len(gone) and not list(folder.glob("study-format*"))
    assert not (cache / "elbowroom" / "worker-0").exists()
    assert standing(folder).damaged == () and runner.load(folder).problems[0].cells[0].status == "ok"
    with Store.open(folder) as store:
        assert len(store.ends()) == 1 and store.is_done(next(iter(store.ends())), thorough=True)
    assert elbowroom("clean")[1] == "There is nothing to remove.\n"


def test_figures_and_pages_that_no_report_uses_are_told_and_removed(copied, elbowroom):
    assert elbowroom("report", copied)[0] == 0
    assert elbowroom("clean", copied)[1] == "There is nothing to remove.\n"
    before, figures = bytes_of(copied), copied / "figures"
    assert any(path.parent == figures for path in before)
    stale = [
        figures / "problem-9-trace.png",
        figures / ".cache" / ".a.json.part",
        copied / "problems" / "old.html",
    ]
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"old")
    out = elbowroom("clean", copied)[1]
    assert "figures and pages that no report uses" in out and "3 files" in out
    assert all(path.exists() for path in stale)
    assert elbowroom("clean", copied, "--yes")[1].endswith("Removed.\n")
    assert bytes_of(copied) == before
    (figures / ".cache" / "report.json").unlink()  # as after a drawing that was interrupted
    assert elbowroom("clean", copied)[1] == "There is nothing to remove.\n"


def test_a_study_that_is_being_run_is_left_alone(copied, elbowroom):
    write_tree(copied / "draws" / "orphan.nc", xr.DataTree())
    with Store.open(copied):
        code, out, err = elbowroom("clean", copied, "--yes")
    assert code == 0 and "is being run, and left alone" in err and (copied / "draws" / "orphan.nc").exists()


def test_paths_of_a_configuration_start_where_one_says(tmp_path, monkeypatch, elbowroom):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "x.csv").write_text("x\n-2.0\n-1.5\n1.0\n2.0\n")
    source = '[[datasets]]\nname = "points"\nsource = "file"\npath = "x.csv"\n'
    text = re.sub(r"\[\[datasets\]\].*?(?=\[\[models)", source, config(CAVI), flags=re.DOTALL)
    plan = plan_of(parse_config(text, folder=tmp_path / "home"))
    runner.run(plan, folder=tmp_path / "trial", progress=False)
    with Store.open(tmp_path / "trial", writable=False) as store:
        assert store.run().config["datasets"][0]["path"] == "x.csv"  # and not where that lay
    monkeypatch.chdir(tmp_path)
    code, out, err = elbowroom("rerun", "trial", "points/two/cavi")
    assert code == 2 and "x.csv" in err and "--folder says where" in err
    code, out, err = elbowroom("rerun", "trial", "points/two/cavi", "--folder", "home")
    assert code == 0 and "reproduced" in out
