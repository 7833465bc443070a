"""Bad input by hand: each ends by exit code 2 and a sentence, soon, and leaves nothing behind."""

import json
import os
import signal
import socket
import sys

import numpy as np
import pytest

STUDY = """\
name = "eight"
seed = 1

[run]
output = "out"

[[datasets]]
name = "eight"
source = "file"
path = "eight.csv"

[[models]]
name = "two"
family = "normal_known_variance"
components = 2
weights = "fixed"
prior = {mean = 0.0, variance = 25.0}

[[methods]]
name = "cavi"
"""
A_FILE = 'source = "file"\npath = "eight.csv"'
MANY = "1" + 40 * "0"
LONG = 20_000 * "x"
FIT = ("fit", "eight.csv", "--components", "2")


@pytest.fixture
def here(here):
    (here / "eight.csv").write_text("v\n-2.6\n-2.1\n-1.7\n-1.2\n1.4\n1.9\n2.3\n2.8\n")
    return here


@pytest.fixture
def refused(here, elbowroom):
    """Return stderr of a command that must end by exit code 2 within a minute, and write no file."""

    def late(*_):
        raise AssertionError("the command hangs")

    def run(*arguments):
        before = {path.name for path in here.iterdir()}
        signal.signal(signal.SIGALRM, late)
        signal.alarm(60)
        try:
            code, out, err = elbowroom(*arguments)
        finally:
            signal.alarm(0)
        assert (code, out) == (2, "")
        assert {path.name for path in here.iterdir()} == before
        assert all(len(line) <= 1100 for line in err.splitlines())
        return err

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "eight.csv", "--components", "1000000000"], "10^10 GB of memory"),
        (["fit", "eight.csv", "--components", MANY], "of memory"),
        (["choose", "eight.csv", "--components", "1-1000000000"], "mixtures of 1000000000 components need"),
        (["choose", "eight.csv", "--components", MANY], "of memory"),
        ([*FIT, "--prior", f"mean={400 * '1'}"], "beyond float64"),
        ([*FIT, "--prior", "variance=1e308"], "float64 cannot hold its normalisation"),
        ([*FIT, "--family", "normal_known_variance", "--prior", "variance=1e-308"], "normalisation"),
        ([*FIT, "--family", "os:system"], '"os:system" is a part of Python'),
        ([*FIT, "--weights", "json:JSONDecoder"], '"json:JSONDecoder" is a part of Python'),
        ([*FIT, "--family", "numpy:ndarray"], '"numpy:ndarray" is no family'),
        ([*FIT, "--weights", "numpy:pi"], '"numpy:pi" is no prior of weights'),
        (["check", "os:getcwd"], '"os:getcwd" is a part of Python'),
        ([*FIT, "--starts", "1000000000000"], "1000000000000 starts need"),
        ([*FIT, "--prior", f"mean={100_000 * '['}"], "cannot be read"),
        (["run", "--workers", "1000000000"], "1000"),
        ([*FIT, "--checkpoint", "/dev/full"], "is a device; give a regular file"),
        ([*FIT, "--family", LONG], "..."),
        ([*FIT, "--column", LONG], "..."),
        ([*FIT, "--prior", LONG], "..."),
        (["fit", LONG, "--components", "2"], "..."),
        (["run", LONG], "..."),
        (["check", LONG], "..."),
        ([LONG], "..."),
        ([f"--{LONG}"], "..."),
        (["fit", f"--{LONG}"], "..."),
        (
            ["fit", "--column", "\x1b[31mred", "eight.csv", "--components", "2"],
            "\N{REPLACEMENT CHARACTER}[31m",
        ),
        (["fit", "a\x1b[31m.csv", "--components", "2"], "control character"),
        (["fit", 300 * "y" + ".csv", "--components", "2"], "cannot be read: File name too long"),
        (["run", 300 * "y" + ".toml"], "cannot be read: File name too long"),
        ([*FIT, "--plot", 300 * "y" + ".png"], "cannot be written: File name too long"),
        (["fit", ".", "--components", "2"], '"." is a folder'),
        (["run", "/dev/zero"], "is a device"),
        (["run", "/dev/null/study.toml"], "there is no configuration"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_bad_argument_is_refused(refused, arguments, words):
    assert words in refused(*arguments)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "components = 2",
            "components = 1000000000",
            "line 15: models[1].components: mixtures of 1000000000",
        ),
        (
            A_FILE,
            'source = "simulated"\nn = 100000000000\nmeans = [0.0]',
            "100000000000 points of 1 components need",
        ),
        (A_FILE, f'source = "simulated"\nn = {MANY}\nmeans = [0.0]', "points of 1 components need 10^"),
        (
            A_FILE,
            'source = "simulated"\nn = 3\ncomponents = 10000000\nfeatures = 1000000',
            "3 points of 10000000 components need",
        ),
        (
            A_FILE,
            f'source = "simulated_family"\nfamily = "gamma_poisson"\nn = {MANY}\nparameters = {{rate=[1.0]}}',
            "points of 1 components need",
        ),
        (
            "seed = 1\n",
            "seed = 1\n[reference]\ndraws = 100000000000\n",
            "reference.draws: 100000000000 draws",
        ),
        ("[run]\n", "[run]\nrepeats = 100000000000\n", "run.repeats: 100000000000 cells need"),
        ('name = "cavi"', 'name = "cavi"\ndraws = 100000000000', "methods[1].draws: 100000000000 draws"),
        ("[run]\n", "[run]\nworkers = 1000000000\n", "run.workers: is 1000000000; it must be at most 1000"),
        ("mean = 0.0", f"mean = {400 * '1'}", "it must be a number"),
        ("seed = 1", f"seed = {5001 * '1'}", "holds a number that cannot be read"),
        ('"normal_known_variance"', '"os:system"', '"os:system" is a part of Python'),
        ('"fixed"', '"json:JSONDecoder"', '"json:JSONDecoder" is a part of Python'),
        ('"normal_known_variance"', '"numpy:linspace"', '"numpy:linspace" is no family'),
        ('name = "cavi"', 'name = "cavi"\nkind = "os:system"', "is a part of Python"),
        ('source = "file"', 'source = "os:system"', "is a part of Python"),
        ('"out"', r'"out\u0000x"', "run.output: is"),
        ('"eight.csv"', r'"eight\u0000.csv"', "holds a control character"),
        ('"eight.csv"', r'"eight.csv"' + "\n" + r'unit = "\u001b[31m"', "holds a control character"),
        ('"eight.csv"', '"' + 300 * "y" + '.csv"', "cannot be read: File name too long"),
        (STUDY, "", "study.toml: name: missing"),
        (STUDY, "a = " + 2000 * "[" + 2000 * "]", "nested more than 50 levels deep"),
        (STUDY, "a = " + 2000 * "{a = " + "1" + 2000 * "}", "nested more than 50 levels deep"),
        (STUDY, ".".join(3000 * "a") + " = 1", "nested more than 50 levels deep"),
    ],
    ids=lambda value: value[:40].strip(),
)
def test_a_bad_configuration_is_refused(here, refused, old, new, words):
    assert old in STUDY
    (here / "study.toml").write_text(STUDY.replace(old, new))
    assert words in refused("run", "study.toml")


def test_a_calibration_beyond_memory_is_refused(here, refused):
    model = STUDY[STUDY.index("[[models]]") :]
    for option in ("points", "draws", "replicates"):
        asked = f"[calibration]\n{option} = 10000000000000\n"
        (here / "study.toml").write_text(f'name = "c"\n{asked}{model}')
        assert f"calibration.{option}: " in refused("run", "study.toml")


def test_many_complaints_are_cut(here, refused):
    entries = "".join(f'[[datasets]]\nname = "d{i}"\nsource = "nix"\n' for i in range(10_000))
    (here / "study.toml").write_text(STUDY.replace(f'[[datasets]]\nname = "eight"\n{A_FILE}\n', entries))
    said = refused("run", "study.toml").splitlines()
    assert len(said) == 21 and said[-1].endswith("and 9980 more")


KINDS = {
    "a FIFO": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
    "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(path.name),
}


@pytest.mark.filterwarnings("ignore:.*unclosed.*socket:ResourceWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x.csv", "x.npy", "x.parquet", "x.toml", "x.log", "x.py"])
def test_only_a_regular_file_is_read(here, refused, name, kind):
    KINDS[kind](here / name)
    commands = {"x.toml": ("run", name), "x.log": (*FIT, "--checkpoint", name), "x.py": ("check", "x.py:X")}
    err = refused(*commands.get(name, ("fit", name, "--components", "2")))
    assert f'"{name}" is {kind}' in err


@pytest.mark.parametrize(
    "command",
    [
        (*FIT, "--plot", "x.png"),
        (*FIT, "--assignments", "x.csv"),
        ("choose", "eight.csv", "--components", "1-2", "--plot", "x.png"),
        ("check", "mixture:normal_gamma+fixed", "--html", "x.html"),
        ("run", "study.toml", "--junit", "x.xml"),
    ],
)
def test_nothing_but_a_regular_file_is_written_over(here, refused, command):
    (here / "study.toml").write_text(
        STUDY.replace('"out"', '"."').replace('name = "eight"\nseed', 'name = "o"\nseed')
    )
    (here / "o").mkdir()
    (here / command[-1]).symlink_to("/dev/full")
    assert "is a device or the like" in refused(*command)
    assert os.path.exists("/dev/full")


@pytest.mark.parametrize(
    "command",
    [(*FIT, "--plot"), ("choose", "eight.csv", "--components", "1", "--folds", "0", "--plot"), ("init",)],
)
def test_every_command_makes_a_missing_folder(here, elbowroom, command):
    assert elbowroom(*command, "not/yet/x.png")[0] == 0
    assert (here / "not" / "yet" / "x.png").is_file()


def header(shape, kind="'<f8'"):
    """Return an NPY file whose header claims this; there are 100 numbers."""
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(800)


@pytest.mark.parametrize(
    "content",
    [
        header("(10000000000000,)"),
        header(f"({MANY},)"),
        header("(-1,)"),
        header("(100, 0, 10)"),
        header(5000 * "(" + 5000 * ")"),
        header("(100,)", "'<f8'" + 5000 * "["),
        header("(100,)", "'|O'"),
        header("(100,)", "'<M8[zz]'"),
        b"PK\x03\x04" + bytes(100),
        b"",
    ],
)
def test_a_strange_npy_header_is_refused(here, refused, content):
    (here / "x.npy").write_bytes(content)
    assert "x.npy" in refused("fit", "x.npy", "--components", "2")


def test_no_object_of_a_data_file_is_made(here, refused):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, ("made",))

    np.save(here / "x.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    with (here / "y.npy").open("wb") as file:
        np.savez(file, x=np.array([Evil()], dtype=object))
    for name in ("x.npy", "y.npy"):
        assert "no readable NPY file" in refused("fit", name, "--components", "2")


@pytest.mark.parametrize("family", ["normal_known_variance", "normal_gamma", "normal_wishart"])
@pytest.mark.parametrize("command", ["fit", "choose"])
def test_data_at_the_end_of_float64_are_refused(here, refused, command, family):
    (here / "eight.csv").write_text("v\n1e308\n-1e308\n1.5e308\n1e307\n")
    said = refused(command, "eight.csv", "--components", "2", "--family", family)
    assert "float64 cannot hold their variance" in said


def test_which_module_runs_is_said_before_it_runs(here, elbowroom):
    (here / "theirs_12.py").write_text('import sys\nprint("HERE", file=sys.stderr)\nThing = 3\n')
    code, _, err = elbowroom(*FIT, "--family", "theirs_12:Thing")
    assert code == 2
    said = err.splitlines()
    assert said[0].startswith('elbowroom: "theirs_12:Thing" runs the code of ') and said[1] == "HERE"
    assert '"theirs_12:Thing" is no family' in said[2]


@pytest.mark.parametrize(
    "name", ["os:system", "theirs_13:Thing", "theirs_13:", "json:JSONDecoder", ":x", "scipy:io"]
)
def test_reading_a_record_imports_nothing(here, monkeypatch, name):
    from experiments.config import plugins
    from experiments.engine.store.jsonable import loads
    from hand_cavi import InputError

    (here / "theirs_13.py").write_text("open('made', 'w').close()\n")
    monkeypatch.syspath_prepend(here)
    monkeypatch.setattr(plugins, "_told", [pytest.fail])
    before = set(sys.modules)
    with pytest.raises(InputError, match="code of your own; a study's folder runs none"):
        loads(json.dumps({"$class": name, "command": "touch made"}), object)
    assert not (here / "made").exists() and set(sys.modules) == before


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 200_000 + "]" * 200_000,
        '{"$class": "Mixture"}',
        '{"$class": 3.5}',
        '{"$class": "ndarray", "shape": [9], "values": []}',
    ],
)
def test_a_damaged_record_of_a_study_is_told(text):
    from experiments.engine.store.jsonable import loads
    from hand_cavi import InputError

    with pytest.raises(InputError, match="database is damaged"):
        loads(text, object)


@pytest.mark.parametrize("name", [".x.csv.part", "study.lock", "study.process"])
def test_nothing_is_written_through_a_link(here, name):
    from experiments.engine.store.files import write_whole
    from experiments.engine.store.locking import FolderLock

    (here / "victim").write_text("precious")
    (here / name).symlink_to("victim")
    if name == "study.lock":
        with pytest.raises(OSError, match="symbolic links"):
            FolderLock(here)
    elif name == "study.process":
        FolderLock(here).release()
    else:
        write_whole(here / "x.csv", b"new")
    assert (here / "victim").read_text() == "precious"


def test_a_separator_that_is_none_is_refused(refused):
    assert "separates no columns" in refused(*FIT, "--separator", "\n")


def test_a_record_of_several_numbers_is_no_column(here, refused):
    np.save(here / "x.npy", np.ones(3, dtype=[("v", "f8", 2)]))
    assert "a field holds several numbers" in refused("fit", "x.npy", "--components", "2")


def test_dates_with_a_zone_in_parquet_are_refused(here, refused):
    import pandas as pd

    pd.DataFrame({"v": pd.date_range("2020", periods=3, tz="UTC")}).to_parquet(here / "x.parquet")
    assert 'column "v" holds dates' in refused("fit", "x.parquet", "--components", "2")


def test_a_damaged_page_is_told_with_the_file(here, refused):
    import pandas as pd

    column = np.random.default_rng(1).normal(size=20_000)
    pd.DataFrame({"v": column}).to_parquet(here / "x.parquet", compression="gzip", write_page_checksum=True)
    content = bytearray((here / "x.parquet").read_bytes())
    content[50_000] ^= 1
    (here / "x.parquet").write_bytes(content)
    assert "x.parquet" in refused("fit", "x.parquet", "--components", "2")


def test_a_column_that_is_constant_beside_another_is_fitted(here, elbowroom):
    (here / "two.csv").write_text("a,b\n1,5\n2,5\n3,5\n7,5\n8,5\n")
    assert elbowroom("fit", "two.csv", "--column", "a", "--column", "b", "--components", "1")[0] == 0
    (here / "one.csv").write_text("a,b\n1,5\n")
    assert elbowroom("fit", "one.csv", "--column", "a", "--column", "b", "--components", "1")[0] == 0


def test_a_name_that_is_not_utf8_is_printed(here):
    import subprocess
    import sys

    os.rename("eight.csv", b"\xff.csv")
    command = [sys.executable, "-m", "experiments.commands.cli", "fit", b"\xff.csv", "--components", "1"]
    done = subprocess.run(
        command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True
    )
    assert b"Column v of \\udcff.csv." in done.stdout and b"\\xb1" in done.stdout


def test_what_a_failing_method_says_is_made_printable():
    from experiments.engine.store.jsonable import dumps
    from experiments.engine.workers.worker import sentence

    assert (
        sentence(RuntimeError("a\x1b[31m\ud800\x00"))
        == "RuntimeError: a\N{REPLACEMENT CHARACTER}[31m?\N{REPLACEMENT CHARACTER}"
    )
    assert dumps("\ud800") == '"?"'


def test_a_derivation_in_a_module_is_checked(here, elbowroom):
    (here / "mine_12.py").write_text(
        "from experiments.checks.loading import _mixture\n"
        'Derivation, log_joint = _mixture("mixture:normal_known_variance+fixed")\n'
    )
    code, out, err = elbowroom("check", "mine_12:Derivation")
    assert code == 0 and "Nothing wrong" in out and "runs the code of" in err


CATEGORIES = {
    "whole": ([1234567.0, 1234568.0, 1234569.0], ["1234567", "1234568", "1234569"]),
    "digits": ([0.12345678, 0.12345679], ["0.12345678", "0.12345679"]),
    "large": ([1e300, -0.0, 2e15], ["0", "2000000000000000.0", "1e+300"]),
}


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["x.npy", "x.parquet"])
@pytest.mark.parametrize("values", CATEGORIES.values(), ids=CATEGORIES)
def test_categories_that_are_floats_keep_their_digits(here, values, name, kind):
    import pandas as pd

    from experiments.commands._data import read

    given, labels = values
    if kind is np.float32:
        given, labels = [1234567.0, 0.1], ["0.1", "1234567"]
    column = np.array(given, dtype=kind)
    np.save(here / name, column) if name == "x.npy" else pd.DataFrame({"0": column}).to_parquet(here / name)
    assert list(read(here / name, (), "dirichlet_categorical").categories[0]) == labels


def test_a_component_that_lies_nowhere_near_the_points_is_drawn():
    from experiments.report.figures.clusters import clusters_figure
    from hand_cavi import FixedWeights, Mixture, NormalKnownVariance

    mixture, x = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), np.array([[0.0], [1.0]])
    assert clusters_figure(mixture, {"mu": np.array([[[0.5], [1e40]]])}, x, np.array([[1.0, 0.0]] * 2), "")
