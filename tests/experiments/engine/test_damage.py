"""Whatever happens to a file of a study, it is noticed, said, and costs what was in that file alone."""

import os
import pickle
import shutil
import sqlite3
from contextlib import closing, suppress

import numpy as np
import pytest
import xarray as xr

from experiments.commands import cli
from experiments.engine import runner
from experiments.engine.standing import damaged_files, standing
from experiments.engine.store.database import FORMAT
from experiments.engine.store.files import ArrayFile, read_tree
from experiments.engine.store.folder import Store
from experiments.engine.store.jsonable import dumps
from experiments.engine.store.merging import merge
from experiments.engine.store.rows import RECORDS
from experiments.engine.workers.executors import executor
from hand_cavi import InputError
from tests.experiments.engine.test_runner import CAVI, cells, config, odd, run


def here(on, workers, on_start=None):
    """Run tasks in this process: these tests are about something else."""
    return executor("serial", workers, on_start)


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def flip(path):
    """Change bytes in the middle."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(255 - one for one in content[middle : middle + 200])
    path.write_bytes(content)


def flip_unseen(path):
    """The same, and put size and time back: as a failing disk does."""
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(path):
    """A whole file, but another one."""
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": (("chain", "draw"), np.zeros((1, 9)))})})
    path.write_bytes(tree.to_netcdf(engine="h5netcdf"))


def seen(folder):
    """Have size and time of the copies noted."""
    with Store.open(folder) as store:
        assert store.damaged() == []


SPOILS = [cut, flip, swap, os.unlink]


@pytest.fixture(scope="module", autouse=True)
def at_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "executor", here)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of two methods, one of which notes its calls, run once."""
    folder = tmp_path_factory.mktemp("damage")
    text = config(CAVI, odd("fine", log=str(folder / "calls")))
    first = run(text, folder / "trial")
    return text, folder, first


@pytest.fixture
def copied(study, tmp_path):
    """The same, for one test, with what it is told by: the folder and the calls so far."""
    text, folder, first = study
    shutil.copytree(folder / "trial", tmp_path / "trial")
    return text, tmp_path / "trial", folder / "calls", first


def calls(log):
    return len(log.read_text().splitlines())


@pytest.mark.parametrize("spoil", SPOILS)
def test_damage_is_seen_in_every_kind_of_file(copied, spoil):
    text, folder, log, first = copied
    name = cells(first)["cavi"].draws.name
    (data,), (reference,) = (folder / "data").iterdir(), (folder / "draws").glob("reference-*.nc")
    for path in (data, reference, folder / "draws" / name):
        spoil(path)
    assert damaged_files(folder) == (
        f"points/two/cavi (draws/{name})",
        f"the reference of points/two (draws/{reference.name})",
        f"the data of points/two (data/{data.name})",
    )
    with Store.open(folder) as store:
        (entry,) = store.manifest().problems
        assert [store.is_done(cell.key) for cell in entry.cells] == [False, True]
        assert not store.is_judged(entry.key, [])
        assert store.judgement(entry.key).reference.draws is None
        with pytest.raises(InputError, match=r"data.*is damaged|is missing") as caught:
            _ = store.problem(entry.key).x  # data are read when they are asked for
        assert "HDF5" not in str(caught.value)
        store.put_problem(entry.key, first.problems[0].problem)
        np.testing.assert_array_equal(store.problem(entry.key).x, first.problems[0].problem.x)


def test_a_run_makes_anew_what_is_damaged_and_nothing_else(copied):
    text, folder, log, first = copied
    name, other = cells(first)["cavi"].draws.name, folder / "draws" / cells(first)["fine"].draws.name
    (data,), (reference,) = (folder / "data").iterdir(), (folder / "draws").glob("reference-*.nc")
    seen(folder)
    flip_unseen(folder / "draws" / name)  # looked at because the judge will read it
    cut(data)
    os.unlink(reference)
    kept, n_calls = other.stat(), calls(log)
    again = run(text, folder)
    assert calls(log) == n_calls and other.stat().st_mtime_ns == kept.st_mtime_ns
    assert cells(again)["cavi"].bound == cells(first)["cavi"].bound
    assert read_tree(cells(again)["cavi"].draws).identical(read_tree(cells(first)["cavi"].draws))
    np.testing.assert_array_equal(again.problems[0].problem.x, first.problems[0].problem.x)
    assert again.problems[0].reference.draws is not None and again.verdict == first.verdict
    assert damaged_files(folder) == ()


def test_bytes_that_change_behind_size_and_time_are_seen_when_they_are_read(copied):
    text, folder, log, first = copied
    seen(folder)
    path = folder / "draws" / cells(first)["cavi"].draws.name
    flip_unseen(path)
    assert damaged_files(folder) == ()
    with pytest.raises(InputError, match=f'"{path}" is damaged') as caught:
        read_tree(cells(runner.load(folder))["cavi"].draws)
    assert "HDF5" not in str(caught.value)
    assert len(damaged_files(folder)) == 1  # reading gave it a new time stamp, for the next run to see


def test_what_is_looked_at_is_cheap(copied, monkeypatch):
    """Files whose size and time are those of the database are not opened."""
    text, folder, log, first = copied
    seen(folder)
    with Store.open(folder) as store:
        monkeypatch.setattr("experiments.engine.store.checksums.checksum_of", None)
        assert store.damaged() == [] and all(store.is_done(c.cell.key) for c in cells(first).values())


def test_a_path_takes_its_checksum_to_a_worker(study):
    path = cells(study[2])["cavi"].draws
    sent = pickle.loads(pickle.dumps(path))
    assert isinstance(sent, ArrayFile) and sent == path and sent.checksum == path.checksum
    assert not isinstance(path.parent, ArrayFile) and not isinstance(path.with_suffix(".txt"), ArrayFile)


def elbowroom(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["elbowroom", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def test_a_report_says_what_is_damaged_and_shows_none_of_it(copied, monkeypatch, capsys):
    text, folder, log, first = copied
    seen(folder)
    name = cells(first)["cavi"].draws.name
    flip_unseen(folder / "draws" / name)
    code, out, err = elbowroom(monkeypatch, capsys, "report", folder)
    assert code == 1 and f"damaged, and therefore not shown: points/two/cavi (draws/{name})" in err
    page = (folder / "report.html").read_text()
    assert "<summary>How these numbers were made</summary>" in page and "points/two/fine</th>" in page
    assert f"its draws are not shown: the file is damaged ({name})" in page and "HDF5" not in page + err


# The database


def change(folder, *statements):
    with closing(sqlite3.connect(folder / "study.sqlite")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def break_page(folder, table):
    """Write over the root page of a table."""
    with closing(sqlite3.connect(folder / "study.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    with open(folder / "study.sqlite", "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x7f" * size)


@pytest.mark.parametrize("table", ["measurement", "cell", "document", "sqlite_schema"])
@pytest.mark.parametrize("command", ["report", "status", "run"])
def test_a_damaged_database_says_what_can_be_saved(copied, tmp_path, monkeypatch, capsys, table, command):
    text, folder, log, first = copied
    if table == "sqlite_schema":
        with open(folder / "study.sqlite", "r+b") as file:
            file.seek(100)
            file.write(b"\x7f" * 900)
    else:
        break_page(folder, table)
    (tmp_path / "trial.toml").write_text(text)
    told = (tmp_path / "trial.toml", "--output", tmp_path) if command == "run" else (folder,)
    code, out, err = elbowroom(monkeypatch, capsys, command, *told)
    assert code == 2 and "Traceback" not in err and len(err.splitlines()) == 1
    assert "study.sqlite is damaged (SQLite says: " in err and "The 4 files in draws and data" in err
    if table == "measurement":
        assert "lost in part: measurement" in err and "cell (2)" in err and "elbowroom merge" in err
    elif table == "document":
        assert "move the file away and run the study again" in err


@pytest.mark.parametrize("seed", range(8))
def test_whatever_bytes_change_is_told_in_a_sentence_or_harms_nothing(copied, tmp_path, seed):
    """Bytes that change anywhere, the end cut off, zeros: an answer or an InputError, no traceback."""
    text, folder, log, first = copied
    change(folder, "PRAGMA wal_checkpoint(TRUNCATE)")
    whole, rng = (folder / "study.sqlite").read_bytes(), np.random.default_rng(seed)
    for number in range(12):
        content = bytearray(whole)
        start, length = rng.integers(len(content)), int(rng.integers(1, 5000))
        if seed % 4 == 0:
            for where in rng.integers(len(content), size=rng.integers(1, 20)):
                content[where] = rng.integers(256)
        elif seed % 4 == 1:
            content[start : start + length] = rng.bytes(len(content[start : start + length]))
        elif seed % 4 == 2:
            del content[start:]
        else:
            content[start : start + 300] = bytes(len(content[start : start + 300]))
        (folder / "study.sqlite").write_bytes(content)
        for use in (runner.load, standing):
            with suppress(InputError):
                use(folder)
        with suppress(InputError):
            merge([folder], tmp_path / f"merged {number}")


def test_a_row_that_is_no_json_says_so_too(copied, monkeypatch, capsys):
    text, folder, log, first = copied
    change(folder, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = (folder / "study.sqlite").read_bytes()
    assert content.count(b'{"$class": "Judgement"') == 1
    (folder / "study.sqlite").write_bytes(
        content.replace(b'{"$class": "Judgement"', b'("$class": "Judgement"')
    )
    code, out, err = elbowroom(monkeypatch, capsys, "report", folder)
    assert code == 1 and "not shown: the judgement of points/two (study.sqlite); run the study again" in err
    assert (
        run(text, folder).problems[0].reference == first.problems[0].reference and damaged_files(folder) == ()
    )


# Rows


DIGITS = {
    "cell": "UPDATE cell SET record = replace(record, '\"bound\": -', '\"bound\": -1')",
    "measurement": 'UPDATE measurement SET record = replace(record, \'"unit": "\', \'"unit": "x\')',
    "verdict": "UPDATE verdict SET record = replace(record, '\"margin\": 0', '\"margin\": 1')",
    "judgement": "UPDATE judgement SET record = replace(record, '\"value\": -', '\"value\": -1')",
    "problem": "UPDATE problem SET mixture = replace(mixture, '25.0', '26.0')",
    "document": "UPDATE document SET record = replace(record, '\"seed\": 5', '\"seed\": 6')",
    "provenance": "UPDATE provenance SET record = replace(record, '\"attempts\": 1', '\"attempts\": 2')",
}
CALLED = {
    "cell": "the record of points/two/cavi",
    "measurement": "what was measured of points/two/cavi",
    "verdict": "the verdict on points/two/cavi",
    "judgement": "the judgement of points/two",
    "problem": "the model of points/two",
    "provenance": "how this was made: points/two/cavi",
}


@pytest.mark.parametrize("table", RECORDS)
def test_a_digit_that_changes_in_a_row_is_seen_and_costs_that_row_alone(
    copied, tmp_path, monkeypatch, capsys, table
):
    text, folder, log, first = copied
    key, n_calls = cells(first)["cavi"].cell.key, calls(log)
    where = dict.fromkeys(("measurement", "verdict", "provenance"), f" WHERE cell_key = '{key}'")
    where |= {"cell": f" WHERE key = '{key}'", "document": " WHERE name = 'manifest'"}
    change(folder, DIGITS[table] + where.get(table, ""))
    if table == "document":
        for command in ("report", "status", "clean"):
            code, out, err = elbowroom(monkeypatch, capsys, command, folder)
            assert "lost in part: document" in err and code == (0 if command == "clean" else 2)
    else:
        assert damaged_files(folder) == (f"{CALLED[table]} (study.sqlite)",)
        code, out, err = elbowroom(monkeypatch, capsys, "status", folder)
        assert code == 0 and f"damaged: {CALLED[table]} (study.sqlite); run the study again" in out
        if table == "cell":
            found = cells(runner.load(folder))["cavi"]
            assert (found.status, found.message) == (
                "missing",
                "Its record was altered; run the study again.",
            )
        merged = merge([folder], tmp_path / "merged")
        assert merged.left_out[0].endswith(f"lost in part: {table}") and merged.done == 2 - (table == "cell")
    again = run(text, folder)
    assert damaged_files(folder) == () and calls(log) == n_calls  # the other cell is not computed again
    assert cells(again)["cavi"].bound == cells(first)["cavi"].bound
    assert again.verdict == first.verdict and again.seed == first.seed
    assert again.problems[0].reference.log_evidence == first.problems[0].reference.log_evidence
    measured = [dict(cells(one)["cavi"].measurements) for one in (again, first)]
    assert measured[0].keys() == measured[1].keys()
    mixtures = [dumps(one.problems[0].problem.mixture) for one in (again, first)]
    assert mixtures[0] == mixtures[1]


# The format before


@pytest.mark.parametrize("version", [2, 3])
def test_a_study_of_a_format_before_is_brought_up_to_date_and_loses_nothing(copied, version):
    text, folder, log, first = copied
    assert FORMAT == 4
    change(folder, *(f"ALTER TABLE {table} DROP COLUMN checksum" for table in RECORDS))
    if version == 2:
        change(folder, *(f"DROP TABLE {table}" for table in ("file", "task", "provenance")))
        change(folder, "DELETE FROM document WHERE name = 'provenance'")
    change(folder, f"PRAGMA user_version = {version}")
    assert cells(runner.load(folder))["cavi"].bound == cells(first)["cavi"].bound
    assert damaged_files(folder) == ()
    with Store.open(folder) as store:
        assert all(store.is_done(cell.cell.key) for cell in cells(first).values())
        assert store.is_judged(store.manifest().problems[0].key, [])
    assert not list(folder.glob("study-format-*"))
