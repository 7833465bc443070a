"""What `fit` and `choose` read of a file, and which row they put where: `--missing`, `--weight-column`,
`--separator`, `--decimal`, `--assignments`."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.commands._data import open_data
from experiments.commands._fitting import Model, fit_file
from experiments.datasets import _large
from experiments.report.figures.one_fit import fit_figure
from hand_cavi.data.derived_sources import CompleteRows
from hand_cavi.sources import as_source, open_parquet

N = 3000
MODEL = ["--family", "normal_gamma", "--weights", "dirichlet", "--components", 2, "--starts", 3]


def rows(seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[-4.0, 1.0], [5.0, 0.0]])
    return np.round(centres[rng.integers(0, 2, N)] + rng.standard_normal((N, 2)), 4)


@pytest.fixture
def holes(here, monkeypatch):
    """The same rows, three of them with a hole, as CSV, NPY and Parquet; and without these, as whole.csv."""
    x = rows()
    x[[7, 8], 0], x[2345, 1] = np.nan, np.nan
    frame = pd.DataFrame(x, columns=["a", "b"])
    frame.to_csv("x.csv", index=False, na_rep="NA")
    frame.dropna().to_csv("whole.csv", index=False)
    np.save("x.npy", x)
    pq.write_table(pa.Table.from_pandas(frame), "x.parquet", row_group_size=700)
    monkeypatch.setattr(_large, "LARGE", 500)
    return here


def of_kind(kind):
    return ["--column", 0, "--column", 1] if kind == "npy" else ["--column", "a", "--column", "b"]


def content(elbowroom, *arguments):
    code, out, err = elbowroom(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


# missing values


@pytest.mark.parametrize("kind", ["csv", "npy", "parquet"])
def test_rows_with_missing_values_are_dropped_and_counted(holes, elbowroom, kind):
    """CSV is read whole; NPY and Parquet in blocks."""
    expected = content(elbowroom, "fit", "whole.csv", *of_kind("csv"), *MODEL)
    found = content(elbowroom, "fit", f"x.{kind}", *of_kind(kind), *MODEL, "--missing", "drop")
    assert (found["n"], found["dropped"]) == (N - 3, 3) and expected["dropped"] == 0
    assert found["data"].endswith(f"x.{kind}; 3 of 3000 rows dropped for a missing value.")
    assert found["elbo"] == pytest.approx(expected["elbo"], rel=1e-10)
    code, out, err = elbowroom("fit", f"x.{kind}", *of_kind(kind), *MODEL)
    assert (code, out) == (2, "") and "--missing drop" in err and ("line 9" in err or "row 7" in err)
    out = elbowroom("fit", f"x.{kind}", *of_kind(kind), *MODEL, "--missing", "drop")[1]
    assert out.startswith(found["data"])


def test_choose_drops_rows_too(holes, elbowroom):
    arguments = ["--column", "a", "--components", "1,2", "--starts", 2, "--folds", 0]
    found = content(elbowroom, "choose", "x.csv", *arguments, "--missing", "drop")
    assert (found["n"], found["dropped"]) == (N - 2, 2)
    assert "2 of 3000 rows dropped" in found["data"]
    assert elbowroom("choose", "x.csv", *arguments)[0] == 2


def test_infinity_is_not_missing_and_all_missing_is_no_data(here, elbowroom):
    for name, values in {"inf": [1.0, np.inf], "gone": [np.nan, np.nan]}.items():
        pd.DataFrame({"v": values}).to_parquet(f"{name}.parquet")
        pd.DataFrame({"v": values}).to_csv(f"{name}.csv", index=False, na_rep="?")
    for kind in ("csv", "parquet"):
        code, _, err = elbowroom("fit", f"inf.{kind}", "--components", 1, "--missing", "drop")
        assert code == 2 and "inf" in err and "finite" in err
        code, _, err = elbowroom("fit", f"gone.{kind}", "--components", 1, "--missing", "drop")
        assert code == 2 and "every row has a missing value" in err


def test_complete_rows_of_any_source(tmp_path):
    x, w = rows()[:, :1], np.arange(N, dtype=float)
    x[5], w[9] = np.nan, np.nan
    pq.write_table(pa.table({"v": x[:, 0], "w": w}), tmp_path / "x.parquet", row_group_size=4)
    for source in (as_source(x), open_parquet(tmp_path / "x.parquet", ["v"], "w")):
        found = CompleteRows.of(source)
        weighted = source.spread_out(N).weight is not None
        assert found.dropped.tolist() == ([5, 9] if weighted else [5])
        assert found.n_points == N - len(found.dropped) == sum(len(b.rows) for b in found.blocks())
        kept = np.delete(x, found.dropped, axis=0)
        np.testing.assert_array_equal(found.spread_out(N).rows, kept)
    np.testing.assert_array_equal(found.spread_out(N).weight, np.delete(w, [5, 9]))


# weights


@pytest.fixture
def frequencies(here):
    """Counts with frequencies, and the same written out; the columns change places in the second file."""
    value, times = np.arange(8), [110, 140, 60, 15, 30, 55, 40, 0]
    pd.DataFrame({"deaths": value, "days": times}).to_csv("table.csv", index=False)
    pd.DataFrame({"deaths": np.repeat(value, times)}).to_csv("long.csv", index=False)
    pd.DataFrame({"days": times, "deaths": value}).to_parquet("table.parquet")
    np.save("table.npy", np.column_stack([times, value]))
    return here


COUNTS = ["--family", "gamma_poisson", "--weights", "dirichlet"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "npy"])
@pytest.mark.parametrize("large", [False, True])
def test_a_weight_says_how_many_points_a_row_stands_for(frequencies, elbowroom, monkeypatch, kind, large):
    if large:
        monkeypatch.setattr(_large, "LARGE", 1)
    weight = "0" if kind == "npy" else "days"
    arguments = [*COUNTS, "--components", 2, "--tolerance", 1e-14]
    table = content(elbowroom, "fit", f"table.{kind}", "--weight-column", weight, *arguments)
    long = content(elbowroom, "fit", "long.csv", *arguments)
    assert table["prior"]["rate"] == pytest.approx(long["prior"]["rate"], rel=1e-12)
    assert table["elbo"] == pytest.approx(long["elbo"], abs=1e-7)
    np.testing.assert_allclose(table["means"], long["means"], rtol=1e-4)
    assert sum(table["counts"]) == pytest.approx(450)
    assert f"weighted by {weight}" in table["data"]


def test_a_picture_counts_rows_by_their_weights(frequencies):
    """The bars are those of the points, not of the rows."""
    pictures = []
    for name, how in {"table.csv": {"weight_column": "days"}, "long.csv": {}}.items():
        data = open_data(frequencies / name, ("deaths",), "gamma_poisson", **how)
        result = fit_file(data, Model(1, "gamma_poisson", "dirichlet"))
        axes = fit_figure(result.fit, data.shown, result.order).axes[0]
        pictures.append([bar.get_height() for bar in axes.patches])
    np.testing.assert_allclose(pictures[0][:7], pictures[1][:7], rtol=1e-12)


def test_choose_takes_weights(frequencies, elbowroom):
    """Each row as often as its weight says: bound, evidence and held-out density are those of the points."""
    arguments = [*COUNTS, "--components", "1,2", "--starts", 5]
    table = content(elbowroom, "choose", "table.csv", "--weight-column", "days", *arguments)
    long = content(elbowroom, "choose", "long.csv", *arguments)
    for one, other in zip(table["candidates"], long["candidates"], strict=True):
        for name in ("elbo", "held_out", "held_out_se"):
            assert one[name] == pytest.approx(other[name], rel=1e-6)
    pd.DataFrame({"v": [1, 2, 3], "w": [0.5, 4, 2]}).to_csv("half.csv", index=False)
    arguments = ["half.csv", "--weight-column", "w", *COUNTS, "--components", "1"]
    code, _, err = elbowroom("choose", *arguments)
    assert code == 2 and "whole numbers" in err and "--folds 0" in err
    assert elbowroom("choose", *arguments, "--folds", 0)[0] == 0


@pytest.mark.parametrize(
    ("weights", "more", "complaint"),
    [
        ([1, -2], [], 'column "w" holds -2 in row 1 (counted from 0); weights are 0 or more'),
        ([1, np.nan], [], 'column "w" holds'),
        ([0, 0], [], "zero everywhere"),
        ([1, 1], ["--column", "w"], "named as data and as weights"),
        ([1, 1], ["--column", "v", "--weight-column", "u"], 'no column "u"'),
    ],
)
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_bad_weights(here, elbowroom, monkeypatch, weights, more, complaint, large, kind):
    if large:
        monkeypatch.setattr(_large, "LARGE", 1)
    frame = pd.DataFrame({"v": [1.0, 2.0], "w": weights})
    frame.to_csv("x.csv", index=False)
    frame.to_parquet("x.parquet")
    code, out, err = elbowroom("fit", f"x.{kind}", "--weight-column", "w", "--components", 1, *more)
    assert (code, out) == (2, "") and complaint in err and err.count("\n") == 1


# text


def test_separator_and_decimal(here, elbowroom):
    numbers = [1.5, 2.25, -30.125, 1e-7]
    (here / "plain.csv").write_text("v\n" + "\n".join(map(repr, numbers)))
    commas = [repr(number).replace(".", ",") for number in numbers]
    (here / "excel.csv").write_text("w;v\n" + "\n".join(f"1;{word}" for word in commas))
    (here / "long.csv").write_text("v;w\n" + "1;2\n" * 5 + "1;2;3\n")
    code, _, err = elbowroom("fit", "long.csv", "--column", "v", "--components", 1)
    assert code == 2 and "long.csv, line 7: 3 values, but the first line names 2 columns" in err
    (here / "alone.csv").write_text("v\n" + "\n".join(commas))
    (here / "bang.csv").write_text("w!v\n" + "\n".join(f'"1,5"!{word}' for word in map(repr, numbers)))
    (here / "blanks.txt").write_text(" w    v\n" + "\n".join(f" 1   {number!r}" for number in numbers))
    expected = open_data(here / "plain.csv", ("v",), "normal_gamma").shown.x
    for name, how in {
        "excel.csv": {"decimal": ","},
        "alone.csv": {"decimal": ","},
        "bang.csv": {"separator": "!"},
        "blanks.txt": {"separator": " "},
    }.items():
        found = open_data(here / name, ("v",), "normal_gamma", **how).shown.x
        np.testing.assert_array_equal(found, expected)
    fitted = content(elbowroom, "fit", "excel.csv", "--column", "v", "--components", 1, "--decimal", ",")
    assert fitted["n"] == 4
    chosen = ["choose", "bang.csv", "--column", "v", "--components", "1", "--separator", "!", "--folds", 2]
    assert elbowroom(*chosen)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--decimal", ";"], '--decimal is ";"'),
        (["--separator", "::"], '--separator is "::"'),
        (["--missing", "fill"], "--missing is \"fill\"; input should be 'refuse' or 'drop'"),
    ],
)
@pytest.mark.parametrize("command", ["fit", "choose"])
def test_bad_ways_of_reading(here, elbowroom, command, arguments, complaint):
    (here / "x.csv").write_text("v\n1\n2\n")
    code, out, err = elbowroom(command, "x.csv", "--components", "1", *arguments)
    assert (code, out) == (2, "") and complaint in err and err.count("\n") == 1
    np.save("x.npy", np.arange(3.0))
    code, _, err = elbowroom(command, "x.npy", "--components", "1", "--decimal", ",")
    assert code == 2 and "for text files" in err


# which row is where


@pytest.mark.parametrize("kind", ["csv", "npy", "parquet"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_assignments_are_those_of_the_file_s_rows(holes, elbowroom, kind, ending):
    arguments = ["fit", f"x.{kind}", *of_kind(kind), *MODEL, "--missing", "drop"]
    told = content(elbowroom, *arguments, "--assignments", f"rows.{ending}")
    assert "assignments" not in told
    table = (pd.read_csv if ending == "csv" else pd.read_parquet)(f"rows.{ending}")
    assert list(table.columns) == ["row", "component", "probability_1", "probability_2"]
    kept = np.delete(np.arange(N), [7, 8, 2345])
    np.testing.assert_array_equal(table["row"], kept)
    p = table[["probability_1", "probability_2"]].to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(table["component"], 1 + (p[:, 1] > p[:, 0]))
    np.testing.assert_allclose(p.sum(axis=0), told["counts"], rtol=1e-9)
    # the components have the numbers of the screen: the clusters lie about a = -4 and a = 5
    means = np.array(told["means"])[:, 0]
    nearest = 1 + np.argmin(np.abs(rows()[kept, :1] - means), axis=1)
    assert np.mean(nearest == table["component"]) > 0.99
    assert not [path for path in holes.iterdir() if path.name.startswith(".")]


def test_assignments_in_the_document_on_demand(holes, elbowroom):
    arguments = ["fit", "x.csv", "--column", "b", *MODEL, "--missing", "drop", "--assignments"]
    found = content(elbowroom, *arguments, "-")["assignments"]
    content(elbowroom, *arguments, "rows.csv")
    table = pd.read_csv("rows.csv")
    assert list(found) == list(table.columns)
    for name, values in found.items():
        np.testing.assert_allclose(values, table[name], rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("-", "give that too, or name a file"),
        ("rows.xlsx", "must end in .csv, .parquet or .pq"),
        ("folder.csv", "is a folder"),
        ("x.csv", '"x.csv" is used by this command already; --assignments needs another file'),
        ("x.csv/rows.csv", "cannot be written"),
    ],
)
def test_assignments_that_cannot_be_written_are_refused_before_the_work(
    here, elbowroom, monkeypatch, name, complaint
):
    (here / "x.csv").write_text("v\n1\n2\n")
    (here / "folder.csv").mkdir()
    monkeypatch.setattr("experiments.commands._fitting.fit", lambda *_, **__: pytest.fail("it was fitted"))
    code, out, err = elbowroom("fit", "x.csv", "--components", 1, "--assignments", name)
    assert (code, out) == (2, "") and complaint in err and err.count("\n") == 1
    assert (here / "x.csv").read_text() == "v\n1\n2\n"


def test_a_table_that_cannot_be_finished_leaves_the_old_one(here, elbowroom, monkeypatch):
    (here / "x.csv").write_text("v\n1\n2\n")
    (here / "rows.csv").write_text("of old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("experiments.engine.store.files.os.fsync", full)
    code, _, err = elbowroom("fit", "x.csv", "--components", 1, "--assignments", "rows.csv")
    assert code == 2 and '"rows.csv" cannot be written: No space left' in err
    assert (here / "rows.csv").read_text() == "of old"
    assert sorted(path.name for path in here.iterdir()) == ["rows.csv", "x.csv"]
