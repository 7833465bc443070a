"""`elbowroom.compare` runs the study that a configuration would ask for, on whatever data one has."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import elbowroom
from experiments.config.reading import load_config, parse_config
from experiments.config.writing import model_entry, written
from experiments.engine.runner import run
from experiments.interactive._configuration import as_seed, method_entries
from experiments.interactive._given_data import FILE, data_entry, loaded
from experiments.metrics import METRICS
from experiments.studies import plan_of
from hand_cavi import InputError
from hand_cavi.ascent.cautions import CautionWarning
from tests.experiments.interactive.conftest import EIGHT, TEXTBOOK

SAME = """
name = "eight"
seed = 1

[[datasets]]
name = "eight"
source = "file"
path = "eight.csv"
unit = "km"

[[models]]
name = "mixture"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 25.0 }

[[methods]]
name = "cavi"
starts = 2

[[methods]]
name = "gibbs"
"""


def test_its_numbers_are_those_of_the_same_configuration(eight, tmp_path):
    (tmp_path / "eight.csv").write_text("v\n" + "\n".join(map(str, EIGHT)))
    plan = plan_of(parse_config(SAME, folder=tmp_path))
    record = run(plan, folder=tmp_path / "study", progress=False, on="serial")
    assert record.verdict == eight.verdict
    theirs, ours = record.problems[0], eight.problems[0]._record.problems[0]
    assert [cell.cell.key for cell in theirs.cells] == [cell.cell.key for cell in ours.cells]
    for one, other in zip(theirs.cells, ours.cells, strict=True):
        assert one.bound == other.bound and one.verdict == other.verdict
        assert set(one.measurements) == set(other.measurements)
        for name, measured in one.measurements.items():
            if METRICS[name].theme != "Cost":
                assert measured == other.measurements[name], name


def test_its_folder_holds_a_configuration_that_runs(eight):
    config = load_config(eight.folder / "study.toml")
    assert config.name == eight.name
    keys = [planned.cell.key for planned in plan_of(config).cells]
    assert keys == [cell.cell.key for cell in eight._cells]


def test_called_again_it_computes_nothing(eight, monkeypatch):
    def never(*arguments):
        raise AssertionError("something was computed")

    monkeypatch.setattr("experiments.engine.runner.executor", never)
    methods = {"cavi": {"starts": 2}, "gibbs": {}}
    again = elbowroom.compare(
        EIGHT, TEXTBOOK, methods, folder=eight.folder, name="eight", unit="km", progress=False, on="serial"
    )
    assert again.verdict == eight.verdict


QUICK = {"progress": False, "on": "serial", "reference": "none"}
COLUMN = np.array(EIGHT)
TWO = np.column_stack([COLUMN, COLUMN**2])
THREE_FEATURES = elbowroom.Mixture(
    elbowroom.NormalKnownVariance([0.0, 0.0, 0.0], 25.0), elbowroom.FixedWeights(), 2
)


@pytest.mark.parametrize(
    ("x", "columns", "names", "rows"),
    [
        (EIGHT, None, ("x",), COLUMN[:, None]),
        (COLUMN.astype(np.float32), "speed", ("speed",), COLUMN.astype(np.float32)[:, None]),
        (TWO, None, ("x1", "x2"), TWO),
        (pd.Series(EIGHT, index=range(3, 11), name="v"), None, ("v",), COLUMN[:, None]),
        (pd.Series(EIGHT), None, ("x",), COLUMN[:, None]),
        (pd.DataFrame(TWO, columns=["a", "b"], index=list("stuvwxyz")), None, ("a", "b"), TWO),
        (pd.DataFrame(TWO, columns=["a", "b"]), ["b"], ("b",), TWO[:, 1:]),
        (pd.DataFrame(TWO), None, ("0", "1"), TWO),
        (pl.Series("v", EIGHT), None, ("v",), COLUMN[:, None]),
        (
            pl.DataFrame({"a": TWO[:, 0], "b": TWO[:, 1], "c": ["t"] * 8}),
            ["b", "a"],
            ("b", "a"),
            TWO[:, ::-1],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrays_frames_and_series(tmp_path, x, columns, names, rows):
    entry = data_entry(x, tmp_path, columns=columns, sample_weight=None)
    data = loaded(entry, tmp_path, "compare")
    assert data.features == names
    np.testing.assert_array_equal(data.x, rows)


@pytest.mark.parametrize("name", ["x.csv", "x.npy", "x.parquet"])
def test_paths(tmp_path, name):
    path, folder = tmp_path / name, tmp_path / "study"
    frame = pd.DataFrame({"v": EIGHT, "w": 1.0})
    if name == "x.csv":
        frame.to_csv(path, index=False)
    elif name == "x.parquet":
        frame.to_parquet(path)
    else:
        np.save(path, frame.to_numpy())
    column = "0" if name == "x.npy" else "v"
    data = loaded(data_entry(path, folder, columns=column, sample_weight=None), folder, "compare")
    np.testing.assert_array_equal(data.x[:, 0], EIGHT)
    assert not (folder / FILE).exists()


def test_weights_are_an_array_or_a_column(tmp_path):
    weight = np.arange(8.0)
    frame = pd.DataFrame({"v": EIGHT, "weight": weight, "n": weight})
    for x, given in ((EIGHT, weight), (frame, weight), (frame, "n")):
        entry = data_entry(x, tmp_path, columns=None if x is EIGHT else "v", sample_weight=given)
        data = loaded(entry, tmp_path, "compare")
        np.testing.assert_array_equal(data.sample_weight, weight)
        assert data.x.shape == (8, 1)


def test_missing_values_are_refused_or_dropped(tmp_path):
    x = [1.0, np.nan, 3.0]
    with pytest.raises(InputError, match="nan in row 1"):
        data_entry(x, tmp_path, columns=None, sample_weight=None)
    for given in (x, pd.Series(x), pl.Series("v", [1.0, None, 3.0])):
        entry = data_entry(given, tmp_path, columns=None, sample_weight=None, missing="drop")
        data = loaded(entry, tmp_path, "compare")
        assert data.x[:, 0].tolist() == [1.0, 3.0] and data.dropped.tolist() == [1]


def test_a_number_of_components_is_the_model_that_fit_would_choose(tmp_path, command):
    found = elbowroom.compare(EIGHT, 2, "cavi", folder=tmp_path / "s", **QUICK)
    (tmp_path / "eight.csv").write_text("v\n" + "\n".join(map(str, EIGHT)))
    code, out, _ = command("fit", tmp_path / "eight.csv", "--components", "2", "--json")
    document = json.loads(out)
    assert code == 0 and found._record.problems[0].about_model == document["model"]
    assert found._cells[0].bound == pytest.approx(document["elbo"], abs=1e-8)


def test_several_models_go_by_their_names(tmp_path):
    found = elbowroom.compare(EIGHT, {"known": TEXTBOOK, "learned": 2}, "cavi", folder=tmp_path, **QUICK)
    assert found.models == ("known", "learned") and len(found.problems) == 2
    assert found["known"].methods == ("cavi",)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((EIGHT, TEXTBOOK, "cavii"), r'^compare: methods\[1\].name: unknown method "cavii".*mean "cavi"'),
        ((EIGHT, TEXTBOOK, {"cavi": {"strats": 2}}), 'strats: unknown key; did you mean "starts"'),
        ((EIGHT, TEXTBOOK, ()), r"methods: give at least one"),
        ((EIGHT, 0), "mixture is 0; give a Mixture, a number of components"),
        ((EIGHT, "two"), "mixture is 'two'; give a Mixture"),
        (("there/is/none.csv", 2), "there is no data file"),
        ((pd.DataFrame({"v": ["a", "b"]}), 2), 'column "v" holds text'),
        ((pd.DataFrame({"v": [1 + 2j, 3j]}), 2), "cannot: .*; give columns of numbers"),
        (([["a"]], 2), "the data"),
        ((TWO, THREE_FEATURES), 'model "mixture" on data set "comparison"'),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(tmp_path, arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        elbowroom.compare(*arguments, folder=tmp_path / "study", progress=False, on="serial")
    assert not (tmp_path / "study" / "study.sqlite").exists()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"reference": "nots"}, 'reference.method: there is no reference "nots"; did you mean "nuts"'),
        ({"verdict": {"margin": -1}}, "verdict.margin"),
        ({"name": "a b"}, "name"),
        ({"columns": ["a", "b"]}, "columns names 2 columns, and x has 1"),
        ({"options": {"workers": 0}}, "run.workers"),
        ({"reference": {"method": object()}}, "a configuration holds numbers, text, lists and tables"),
    ],
)
def test_options_are_those_of_a_configuration(tmp_path, settings, complaint):
    with pytest.raises(InputError, match=complaint):
        elbowroom.compare(EIGHT, TEXTBOOK, "cavi", folder=tmp_path, progress=False, on="serial", **settings)


def test_few_points_are_warned_of(tmp_path):
    mixture = elbowroom.Mixture(TEXTBOOK.components, elbowroom.FixedWeights(), 3)
    with pytest.warns(CautionWarning, match="2 points for 3 components"):
        elbowroom.compare([1.0, 2.0], mixture, "cavi", folder=tmp_path, **QUICK)


def test_what_looks_like_counts_is_warned_of(tmp_path):
    with pytest.warns(CautionWarning, match="if they are counts"):
        elbowroom.compare([1, 1, 2, 2, 2, 1, 1, 2], 1, "cavi", folder=tmp_path, **QUICK)


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("taken")
    with pytest.raises(InputError, match="cannot write to"):
        elbowroom.compare(EIGHT, TEXTBOOK, "cavi", folder=tmp_path / "file", **QUICK)


def test_a_prior_of_this_session_cannot_be_found_by_others():
    mine = type("Mine", (elbowroom.NormalKnownVariance,), {"__module__": "__main__"})
    mixture = elbowroom.Mixture(mine(0.0, 25.0), elbowroom.FixedWeights(), 2)
    with pytest.raises(InputError, match="Mine is defined in this session"):
        model_entry("mine", mixture)


def test_methods_of_ones_own_and_seeds():
    assert method_entries(["nuts", "mine:Laplace"]) == [
        {"name": "nuts"},
        {"name": "Laplace", "kind": "mine:Laplace"},
    ]
    assert as_seed(3) == 3 and as_seed(np.random.default_rng(1)) == as_seed(np.random.default_rng(1))


@pytest.mark.parametrize("text", ['quo"ted\\', "tab\tnew\nline", "\x7f\x01", "Grüße €"])
def test_whatever_is_written_is_read(text):
    import tomllib

    values = {"text": text, "on": True, "list": [1, 2.5e-300, [3]], "table": {"a b": 1e22}, "none": None}
    read = tomllib.loads(written(values, {"run": {"x": np.float64(0.1)}}, models=[{"name": "m"}]))
    del values["none"]
    assert read == {**values, "run": {"x": 0.1}, "models": [{"name": "m"}]}


def test_a_plain_script_needs_no_guard_and_sees_plain_lines(tmp_path):
    """Worker processes have their own command line; nothing of the script runs in them."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import elbowroom

            print("once")
            found = elbowroom.compare({EIGHT}, 2, "cavi", workers=1, reference="none")
            print(found.verdict.decision, found.folder)
            """
        )
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    once, outcome = done.stdout.splitlines()
    assert once == "once" and outcome.startswith(("none ", "undecided "))
    assert "start  cavi on comparison (mixture)" in done.stderr and "\x1b" not in done.stderr
    assert not Path(outcome.partition(" ")[2]).exists()  # it was temporary
