"""A store gives back what it was given, whoever is killed or refused meanwhile."""

import itertools
import json
import os
import pickle
import resource
import signal
import sqlite3
import tempfile
import time
import traceback
import warnings
from dataclasses import replace
from pathlib import Path

import arviz as az
import h5py
import numpy as np
import pytest
import xarray as xr

from experiments.engine.store import files as storage
from experiments.engine.store.database import FORMAT
from experiments.engine.store.folder import Store
from experiments.engine.store.jsonable import describe, dumps, loads
from experiments.engine.store.locking import is_held
from experiments.engine.store.stored import StoredMeasurements
from experiments.engine.store.whole import study_record
from experiments.records import (
    Cell,
    CellRecord,
    Comparison,
    Estimate,
    Judgement,
    Manifest,
    Measurement,
    Problem,
    ProblemEntry,
    Reference,
    Verdict,
)
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance

MIXTURE = Mixture(NormalKnownVariance([0.1, -2.0], 25.0, 0.3), FixedWeights(), 3)
CELL = Cell("galaxies", "K=3", "nuts", 2, "ab12")
OTHER = Cell("galaxies", "K=3", "cavi", 2, "cd34")


def draws(seed=0, n=50):
    rng = np.random.default_rng(seed)
    return az.from_dict(
        {
            "posterior": {"mu": rng.normal(size=(2, n, 3, 1))},
            "sample_stats": {"log_joint": rng.normal(size=(2, n)), "diverging": rng.random((2, n)) < 0.5},
        },
        dims={"mu": ["component", "feature"]},
    )


def record(cell=CELL, **changes):
    return replace(
        CellRecord(
            cell,
            "ok",
            "It sampled.",
            outcome="sampled",
            seconds_compile=1.5,
            seconds_run=0.1 + 0.2,
            bound=-17.99,
            bound_se=float("nan"),
            info={"sampler": "nutpie", "cache_warm": True, "steps": np.int64(7), "rhat": float("nan")},
            trace=np.array([[0.1, -20.0, np.nan], [0.2, -np.inf, 0.0]]),
        ),
        **changes,
    )


def judgement():
    pair = (
        Comparison("sorted mean 1", 0.1, 0.02, 0.05, 0.15, "pass"),
        Comparison("sorted mean 2", float("nan"), float("inf"), -np.inf, np.inf, "undecided"),
    )
    return Judgement(
        Reference("nuts", True, "It mixed.", draws(3), Estimate(-18.0, 0.0, "quadrature"), {"rhat": 1.001}),
        {
            "ab12": {
                "sorted_means": Measurement(
                    [[1.0, 2.0], [float("nan"), 4.0]], [[0.1, 0.2], [0.0, 0.3]], "data"
                ),
                "ess_per_second": Measurement(None, None, "1/s", "not a sampler"),
                "evidence_gap": Measurement(0.5, 0.0, "nats"),
            },
            "cd34": {},
        },
        {"ab12": Verdict("pass", "It agrees.", 0.2, pair)},
    )


MANIFEST = Manifest(
    "galaxies",
    'seed = 3\nname = "günstig"\n',
    3,
    {"python": "3.13", "numpy": "2.5"},
    {"cores": "2"},
    (ProblemEntry("p1", "galaxies", "K=3", 2, "82 velocities.", "mu ~ N", "1000 km/s", (CELL, OTHER)),),
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "studies" / "a study, 100 % #1?"


def assert_same(a, b):
    """Compare records, arrays and NaN included."""
    if isinstance(a, StoredMeasurements):
        a = dict(a)
    assert isinstance(a, type(b))
    if isinstance(a, xr.DataTree):
        xr.testing.assert_identical(a, b)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, float):
        np.testing.assert_equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for name in a:
            assert_same(a[name], b[name])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif hasattr(a, "__dataclass_fields__"):
        for name in a.__dataclass_fields__:
            assert_same(getattr(a, name), getattr(b, name))
    else:
        assert a == b


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# There and back


def test_a_cell_comes_back(folder):
    given, tree = record(), draws()
    with Store.open(folder) as store:
        store.put_cell(given, tree)
    with Store.open(folder, writable=False) as store:
        kept = store.cell("ab12")
        assert store.cell("none such") is None
    expected = replace(
        given,
        bound_se=None,  # a figure that is not a number does not exist
        info={"sampler": "nutpie", "cache_warm": True, "steps": 7, "rhat": None},
    )
    assert kept.draws == folder / "draws" / "ab12.nc"
    assert_same(replace(kept, draws=None), expected)
    xr.testing.assert_identical(storage.read_tree(kept.draws), tree)
    with xr.open_datatree(kept.draws, engine="h5netcdf") as opened:
        assert float(az.ess(opened)["mu"].min()) > 0  # ArviZ takes it as it is


def test_a_cell_without_draws_comes_back(folder):
    given = CellRecord(OTHER, "timed_out", "It was stopped.")
    with Store.open(folder) as store:
        store.put_cell(given)
        assert_same(store.cell("cd34"), given)
        assert files(folder / "draws") == []


@pytest.mark.parametrize("weight", [None, np.array([1.0, 0.0, 2.5, 1e-300])])
@pytest.mark.parametrize("truth", [{}, {"mu": np.ones((3, 2)), "assignments": np.array([0, 1, 2, 0])}])
def test_a_problem_comes_back(folder, weight, truth):
    x = np.random.default_rng(1).normal(size=(4, 2))
    given = Problem(MIXTURE, x, weight, truth)
    with Store.open(folder) as store:
        store.put_problem("p1", given)
        store.put_problem("p1", given)
    with Store.open(folder, writable=False) as store:
        assert_same(store.problem("p1"), given)
        assert store.problem("p2") is None


def test_a_judgement_comes_back(folder):
    given = judgement()
    with Store.open(folder) as store:
        store.put_cell(record(), draws())
        store.put_cell(record(OTHER))
        store.put_judgement("p1", given)
        store.put_judgement("p1", given)
        assert_same(store.judgement("p1"), replace(given, measurements={}, verdicts={}))
        assert store.judgement("p2") is None
        cell = store.cell("ab12")
    assert_same(cell.measurements, given.measurements["ab12"])
    assert_same(cell.verdict, given.verdicts["ab12"])


def test_a_judgement_without_reference_comes_back(folder):
    given = Judgement(Reference("none", False, "NUTS did not mix.", quality={"rhat": float("nan")}))
    with Store.open(folder) as store:
        store.put_judgement("p1", given)
        kept = store.judgement("p1")
    assert_same(kept, Judgement(replace(given.reference, quality={"rhat": None})))


def test_documents_come_back(folder):
    verdict = Verdict("undecided", "It could not be decided.", 0.2)
    with Store.open(folder) as store:
        assert store.manifest() is None and store.verdict() is None
        store.put_manifest(MANIFEST)
        store.put_verdict(verdict)
    with Store.open(folder, writable=False) as store:
        assert store.manifest() == MANIFEST
        assert store.verdict() == verdict


def test_a_report_needs_the_folder_alone(folder, tmp_path):
    x = np.arange(4.0).reshape(4, 1)
    with Store.open(folder) as store:
        store.put_manifest(MANIFEST)
        store.put_problem("p1", Problem(MIXTURE, x))
        store.put_cell(record(), draws())
        store.put_judgement("p1", judgement())
    elsewhere = tmp_path / "elsewhere"
    os.rename(folder, elsewhere)
    with Store.open(elsewhere, writable=False) as store:
        study = study_record(store)
    (problem,) = study.problems
    assert (study.name, study.seed, study.folder) == ("galaxies", 3, elsewhere)
    assert study.verdict.sentence == "This has not been judged yet."
    assert problem.unit == "1000 km/s"
    assert problem.reference.log_evidence == Estimate(-18.0, 0.0, "quadrature")
    assert [cell.status for cell in problem.cells] == ["ok", "missing"]
    assert problem.cells[0].draws == elsewhere / "draws" / "ab12.nc"
    assert problem.cells[0].verdict.decision == "pass"


def test_arrays_and_measurements_are_read_when_they_are_asked_for(folder, monkeypatch):
    x = np.arange(4.0).reshape(4, 1)
    with Store.open(folder) as store:
        store.put_manifest(MANIFEST)
        store.put_problem("p1", Problem(MIXTURE, x, truth={"mu": np.ones(2)}))
        store.put_cell(record(), draws())
        store.put_judgement("p1", judgement())
    asked, read = [], storage.read_tree
    monkeypatch.setattr("experiments.engine.store.folder.read_tree", lambda p: asked.append(p) or read(p))
    with Store.open(folder, writable=False) as store:
        (problem,) = study_record(store).problems
    assert problem.problem.mixture.n_components == 3 and problem.reference.qualified and asked == []
    np.testing.assert_array_equal(problem.problem.x, x)
    assert problem.problem.sample_weight is None and list(problem.problem.truth) == ["mu"]
    assert asked == [store.data_path("p1")]
    assert problem.reference.draws is problem.reference.draws is not None
    assert asked == [store.data_path("p1"), store.reference_path("p1")]
    measured = problem.cells[0].measurements
    assert_same(measured, judgement().measurements["ab12"])
    assert_same(pickle.loads(pickle.dumps(measured)), dict(measured))
    assert len(measured) == len(list(measured)) and repr(measured).startswith("{")


def test_the_content_of_a_problem_changes_with_all_that_is_kept_of_it(folder):
    def content():
        with Store.open(folder, writable=False) as store:
            return study_record(store).problems[0].content

    with Store.open(folder) as store:
        store.put_manifest(MANIFEST)
        store.put_problem("p1", Problem(MIXTURE, np.arange(4.0).reshape(4, 1)))
        store.put_cell(record(), draws())
    seen = [content()]
    with Store.open(folder) as store:
        store.put_judgement("p1", judgement())
    seen += [content()]
    for path in (store.draws_path("ab12"), store.reference_path("p1"), store.data_path("p1")):
        os.utime(path, ns=(1, 1))
        seen += [content()]
    with Store.open(folder) as store:
        store.put_cell(replace(record(), message="another"), draws())
    seen += [content()]
    assert len(set(seen)) == len(seen) and content() == seen[-1]


@pytest.mark.parametrize("libver", ["earliest", "latest"])  # superblocks 0 and 3
def test_a_file_that_was_cut_short_is_noticed_without_opening_it(tmp_path, libver):
    path = tmp_path / "draws.nc"
    with h5py.File(path, "w", libver=libver) as file:
        file["x"] = np.arange(1000.0)
    assert storage.is_whole(path)
    whole = path.read_bytes()
    for cut in (0, 30, 5000, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert not storage.is_whole(path)
    path.write_bytes(b"x" * len(whole))
    assert not storage.is_whole(path) and not storage.is_whole(tmp_path / "none")


def test_sql_can_ask(folder):
    with Store.open(folder) as store:
        store.put_cell(record(), draws())
        store.put_judgement("p1", judgement())
    database = sqlite3.connect(folder / "study.sqlite")
    asked = database.execute(
        "SELECT dataset, method, repeat, status, bound, seconds_run FROM cell"
    ).fetchall()
    assert asked == [("galaxies", "nuts", 2, "ok", -17.99, 0.1 + 0.2)]
    gap = database.execute(
        "SELECT value, standard_error, unit FROM measurement WHERE metric = 'evidence_gap'"
    )
    assert gap.fetchall() == [(0.5, 0.0, "nats")]
    assert database.execute("SELECT log_evidence FROM judgement").fetchall() == [(-18.0,)]
    assert database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    database.close()


# JSON


def test_json_is_strict_and_floats_are_exact():
    numbers = np.random.default_rng(5).normal(size=200) * 10.0 ** np.arange(-100, 100)
    assert_same(loads(dumps(numbers), object), numbers)
    assert_same(loads(dumps(MIXTURE), object), MIXTURE)

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(dumps(record()), parse_constant=refuse)
    json.loads(dumps(judgement().verdicts), parse_constant=refuse)


@pytest.mark.parametrize(
    "array", [np.empty((0, 3)), np.array(2.5), np.array([[True, False]]), np.array([3, -1])]
)
def test_arrays_keep_shape_and_kind(array):
    assert_same(loads(dumps(array), object), array)


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="a DataTree cannot be kept as JSON"):
        describe({"draws": draws()})


@pytest.mark.parametrize("name", ["Popen", "subprocess:Popen"])
def test_only_known_classes_are_built(name):
    with pytest.raises(InputError, match=f"'{name}', which this version|code of your own; a study's folder"):
        loads(f'{{"$class": "{name}", "args": ["true"]}}', object)


# What counts as done


def test_only_ok_cells_with_their_draws_are_done(folder):
    with Store.open(folder) as store:
        assert not store.is_done("ab12")
        for status in ("failed", "crashed", "timed_out", "not_finite"):
            store.put_cell(record(status=status))
            assert not store.is_done("ab12")
            assert store.cell("ab12").status == status
        store.put_cell(record(), draws())
        assert store.is_done("ab12")
        store.draws_path("ab12").unlink()
        assert not store.is_done("ab12")


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda path: os.truncate(path, 200)], ids=["gone", "cut short"]
)
def test_files_that_are_not_there_in_full_count_as_absent(folder, spoil):
    with Store.open(folder) as store:
        store.put_problem("p1", Problem(MIXTURE, np.ones((4, 2))))
        store.put_cell(record(), draws())
        store.put_cell(record(OTHER))
        store.put_judgement("p1", judgement())
        assert store.is_done("ab12") and store.is_judged("p1", ["ab12", "cd34"])
        spoil(store.reference_path("p1"))
        assert not store.is_judged("p1", ["ab12", "cd34"])
        spoil(store.draws_path("ab12"))
        assert not store.is_done("ab12")
        spoil(store.data_path("p1"))
        store.put_problem("p1", Problem(MIXTURE, np.ones((4, 2))))
        assert_same(store.problem("p1"), Problem(MIXTURE, np.ones((4, 2))))


def test_a_new_end_of_a_cell_undoes_what_was_judged_of_the_old(folder):
    with Store.open(folder) as store:
        store.put_cell(record(status="failed"))
        store.put_cell(record(OTHER))
        store.put_judgement("p1", judgement())
        store.put_judgement("p2", Judgement(Reference("none", False, "")))
        assert store.is_judged("p1", ["ab12", "cd34"])
        assert not store.is_judged("p1", ["ab12", "ef56"])
        store.put_cell(record(), draws())
        assert not store.is_judged("p1", [])
        assert store.judgement("p1") is None
        assert store.cell("ab12").measurements == {} and store.cell("ab12").verdict is None
        assert store.is_judged("p2", [])


def test_what_was_judged_of_cells_can_be_forgotten_whoever_judged_them(folder):
    with Store.open(folder) as store:
        store.put_cell(record(), draws())
        store.put_cell(record(OTHER))
        store.put_judgement("p1", judgement())
        store.forget_judgements(["cd34"])
        assert store.judgement("p1") is None and store.is_done("ab12")
        assert store.cell("ab12").measurements == {} and store.cell("ab12").verdict is None


def test_a_new_table_of_contents_has_no_verdict_yet(folder):
    with Store.open(folder) as store:
        store.put_manifest(MANIFEST)
        store.put_verdict(Verdict("pass", "It agrees.", 0.2))
        store.put_manifest(MANIFEST)
        assert store.verdict() is None


def test_losing_draws_removes_their_file(folder):
    with Store.open(folder) as store:
        store.put_cell(record(), draws())
        store.put_cell(record(status="crashed"))
        assert store.cell("ab12").draws is None
        assert files(folder / "draws") == []


@pytest.mark.parametrize("key", ["", "../up", "a/b", ".hidden", "a b"])
def test_keys_are_file_names(folder, key):
    with Store.open(folder) as store, pytest.raises(ValueError, match="cannot be a key"):
        store.put_cell(record(replace(CELL, key=key)), draws())


# Killed


def in_another_process(function, *args):
    """Call a function in a fork; return how that ended, and the text it returned or its traceback."""
    ours, theirs = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside the threads of a library
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.write(theirs, function(*args).encode())
            code = 0
        except BaseException:
            os.write(theirs, traceback.format_exc().encode())
        finally:
            os._exit(code)
    os.close(theirs)
    with open(ours) as pipe:
        text = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)


def put(store, number):
    """Keep a cell whose draws are its number."""
    mu = xr.Dataset({"mu": (("chain", "draw"), np.full((1, 100), float(number)))})
    cell = Cell("d", "m", "method", 0, f"key{number}")
    store.put_cell(CellRecord(cell, "ok", ""), xr.DataTree.from_dict({"posterior": mu}))


def put_and_die(folder, number, module, name):
    with Store.open(folder) as store:
        setattr(module, name, die)
        put(store, number)
    return "survived"


@pytest.fixture
def begun(folder):
    with Store.open(folder) as store:
        put(store, 0)
    return folder


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (os, "fsync"),  # the temporary file is written, perhaps not all of it on disk
        (os, "replace"),  # it is complete, but not in place
        (storage, "_sync_folder"),  # it is in place, but there is no row
    ],
)
def test_a_write_that_is_killed_leaves_no_half_cell(begun, module, name):
    code, text = in_another_process(put_and_die, begun, 1, module, name)
    assert code == -signal.SIGKILL, text
    assert len(files(begun / "draws")) == 2  # something was left: this test tests something
    with Store.open(begun, writable=False) as store:
        assert store.is_done("key0") and store.cell("key1") is None
    with Store.open(begun) as store:
        assert store.is_done("key0") and store.cell("key1") is None
        assert not [name for name in files(begun) if name.endswith(".part")]


def test_replacing_a_cell_and_being_killed_leaves_none(begun):
    code, text = in_another_process(put_and_die, begun, 0, os, "replace")
    assert code == -signal.SIGKILL, text
    with Store.open(begun) as store:
        assert store.cell("key0") is None


def put_for_ever(folder, first):
    with Store.open(folder) as store:
        for number in itertools.count(first):
            put(store, number)


def test_a_kill_at_any_moment_leaves_whole_cells(begun):
    rng = np.random.default_rng(11)
    for attempt in range(8):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                put_for_ever(begun, 1000 * attempt)
            finally:
                os._exit(1)
        try:
            second = begun / "draws" / f"key{1000 * attempt + 1}.nc"
            patience = time.monotonic() + 60
            while not second.exists() and time.monotonic() < patience:
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.1))
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        with Store.open(begun) as store:
            keys = [key for (key,) in store._rows("SELECT key FROM cell")]
            assert len(keys) > attempt + 1
            for key in keys:
                mu = storage.read_tree(store.cell(key).draws)["posterior"]["mu"].values
                np.testing.assert_array_equal(mu, np.full((1, 100), float(key.removeprefix("key"))))


# Refused


def test_a_second_run_is_told_and_a_reader_is_not_kept_out(folder):
    with Store.open(folder) as store:
        store.put_cell(record(), draws())
        code, text = in_another_process(Store.open, folder)
        assert code == 1
        assert f"another run (process {os.getpid()}) is writing to the study in {folder}" in text
        with pytest.raises(InputError, match="another run"):
            Store.open(folder)
        with Store.open(folder, writable=False) as reader:
            assert reader.is_done("ab12")
    with Store.open(folder):
        pass


def test_the_lock_dies_with_its_holder(begun):
    code, text = in_another_process(put_and_die, begun, 1, os, "replace")
    assert code == -signal.SIGKILL, text
    assert (begun / "study.lock").exists()
    with Store.open(begun) as store:
        assert store.is_done("key0")


@pytest.mark.parametrize("writable", [True, False])
def test_a_store_of_a_newer_version_is_left_alone(folder, writable):
    with Store.open(folder) as store:
        store.put_cell(record(), draws())
    database = sqlite3.connect(folder / "study.sqlite")
    database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    database.close()
    before = (folder / "study.sqlite").read_bytes()
    with pytest.raises(InputError, match=f"written by a newer version .* format is {FORMAT + 1}"):
        Store.open(folder, writable=writable)
    assert (folder / "study.sqlite").read_bytes() == before
    assert not is_held(folder)


@pytest.mark.parametrize("writable", [True, False])
def test_what_is_no_study_is_refused(folder, writable):
    folder.mkdir(parents=True)
    (folder / "study.sqlite").write_text("dear diary, " * 200)
    with pytest.raises(InputError, match="is not a database"):
        Store.open(folder, writable=writable)
    (folder / "study.sqlite").unlink()
    database = sqlite3.connect(folder / "study.sqlite")
    database.execute("CREATE TABLE cell (mine TEXT)")
    database.close()
    with pytest.raises(InputError, match="is not a study of elbowroom"):
        Store.open(folder, writable=writable)


def test_a_study_cut_off_at_birth_opens(folder):
    folder.mkdir(parents=True)
    (folder / "study.sqlite").touch()
    with pytest.raises(InputError, match="there is no study in"):
        Store.open(folder, writable=False)
    with Store.open(folder) as store:
        assert store.cell("ab12") is None
        with pytest.raises(InputError, match="run one there first"):
            study_record(store)


def test_reading_makes_nothing(folder):
    with pytest.raises(InputError, match="there is no study in"):
        Store.open(folder, writable=False)
    assert not folder.exists()


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write to the study in .*file"):
        Store.open(tmp_path / "file")
    with pytest.raises(InputError, match="a part of that path is a file, not a folder"):
        Store.open(tmp_path / "file" / "study")


def test_a_read_only_folder_is_refused(folder, monkeypatch):
    def read_only(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(storage.os, "open", read_only)
    with pytest.raises(InputError, match="cannot write to the study in .*: its file system is read-only"):
        Store.open(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_folder_of_somebody_else_is_refused_but_read():
    with tempfile.TemporaryDirectory() as public:  # pytest's own folders are closed to others
        os.chmod(public, 0o755)
        folder = Path(public, "study")
        with Store.open(folder) as store:
            store.put_cell(record(), draws())
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        code, text = in_another_process(visit_as_somebody_else, folder)
    assert code == 0, text
    assert text.splitlines() == [
        "True",
        f"cannot write to the study in {folder}: permission is denied; mend that, or give another folder",
    ]


def visit_as_somebody_else(folder):
    os.setuid(65534)
    with Store.open(folder, writable=False) as store:
        done = store.is_done("ab12")
    try:
        Store.open(folder)
    except InputError as error:
        return f"{done}\n{error}"
    return "not refused"


def test_a_full_disk_keeps_what_was_whole(begun):
    """A limit on the size of files makes real writes fail half-way, as a full disk does."""
    code, text = in_another_process(put_on_a_full_disk, begun)
    assert code == 0, text
    assert text.startswith(f"cannot write to the study in {begun}: ")
    assert not [name for name in files(begun) if name.endswith(".part") or "key1" in name]
    with Store.open(begun) as store:
        assert store.is_done("key0") and store.cell("key1") is None
        store.put_cell(record(), draws())
        assert store.is_done("ab12")


def put_on_a_full_disk(folder):
    with Store.open(folder) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            put(store, 1)
        except InputError as error:
            return str(error)
    return "not refused"


def test_a_device_without_space_gives_the_words():
    with pytest.raises(InputError, match="the disk is full; mend that, or give another folder"):
        with storage.clear_errors("write to", "study"), open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")


def test_errors_of_our_own_making_stay_errors(folder):
    with Store.open(folder) as store, pytest.raises(sqlite3.OperationalError, match="no such table"):
        store._rows("SELECT * FROM no_such_table")


def test_a_store_of_a_much_older_version_is_set_aside_and_not_lost(folder):
    """Reading says to run it again; writing begins anew, with the old database beside."""
    with Store.open(folder) as store:
        store.put_manifest(MANIFEST)
    database = sqlite3.connect(folder / "study.sqlite")
    database.execute(f"PRAGMA user_version = {FORMAT - 3}")
    database.commit()
    database.close()
    with pytest.raises(InputError, match=f"older version .* format is {FORMAT - 3}.*run it again$"):
        Store.open(folder, writable=False)
    with Store.open(folder) as store:
        assert store.manifest() is None
    old = sqlite3.connect(folder / f"study-format-{FORMAT - 3}.sqlite")
    assert old.execute("SELECT count(*) FROM document").fetchone() == (1,)
    old.close()


def test_a_store_of_another_kind_is_left_alone(folder):
    with Store.open(folder) as store:
        store.put_manifest(MANIFEST)
        with pytest.raises(InputError, match=r"of another kind \(mixtures, this one is own\)"):
            store.put_manifest(replace(MANIFEST, kind="own"))
        assert store.manifest().kind == "mixtures"
