"""`elbowroom fit` on a folder of Parquet files, read here and by the workers of a Dask cluster."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from experiments.commands._data import open_data
from experiments.datasets import _large
from hand_cavi.sources import DistributedSource
from tests.experiments.commands.test_fit_large import same

FIT = (
    "--components",
    2,
    "--starts",
    2,
    "--max-sweeps",
    15,
    "--weight-column",
    "w",
    "--missing",
    "drop",
    "--json",
)


@pytest.fixture
def days(here, monkeypatch):
    """A folder of rows (a, b) with weights, some with gaps; the same rows as one file; nothing is held."""
    monkeypatch.setattr(_large, "LARGE", 500)
    monkeypatch.setattr(sys.modules["hand_cavi.fit"], "HELD", 0)
    rng = np.random.default_rng(1)
    centres = np.array([[-3.0, 1.0], [3.0, 4.0]])
    frame = pd.DataFrame(centres[rng.integers(0, 2, 3000)] + rng.normal(size=(3000, 2)), columns=["a", "b"])
    frame["w"] = rng.integers(0, 4, 3000)
    frame.loc[[0, 1500, 2999], "a"] = np.nan
    frame.to_csv(here / "x.csv", index=False)
    (here / "days" / "later").mkdir(parents=True)
    for day, rows in enumerate(np.array_split(np.arange(3000), 3)):
        folder = here / "days" / ("later" if day == 2 else "")
        frame.iloc[rows].to_parquet(folder / f"{day}.parquet", row_group_size=400)
    (here / "days" / "_SUCCESS").touch()
    return here


def told(elbowroom, *arguments):
    code, out, err = elbowroom("fit", *arguments)
    assert code == 0, err
    content = json.loads(out)
    content.pop("data")
    return content, err


@pytest.mark.parametrize("columns", [["a"], ["a", "b"]])
def test_a_folder_is_its_files_one_after_the_other(days, elbowroom, columns):
    columns = [word for name in columns for word in ("--column", name)]
    whole, _ = told(elbowroom, "x.csv", *columns, *FIT, "--condense", "never")
    folder, err = told(elbowroom, "days", *columns, *FIT, "--condense", "never")
    same(folder, whole)
    assert folder["dropped"] == 3


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of sockets that distributed leaves to the collector
def test_workers_read_a_folder_and_the_figures_stay_the_same(days, elbowroom):
    columns = ("--column", "a", "--column", "b", "--assignments", "-")
    here, _ = told(elbowroom, "days", *columns, *FIT)
    spread, err = told(elbowroom, "days", *columns, *FIT, "--on", "dask")
    same(spread, here)
    assert err == ""
    source = open_data(days / "days", ("a", "b"), "normal_gamma", by_workers=True, missing="drop").source
    assert isinstance(source.source, DistributedSource)


def test_categories_of_a_folder_are_read_whole(days, elbowroom):
    for day in (1, 2):
        pd.DataFrame({"c": ["x", "y", "y"]}).to_parquet(days / "days" / f"c{day}.parquet")
    for path in (days / "days").rglob("[0-9].parquet"):
        path.unlink()
    code, out, err = elbowroom(
        "fit", "days", "--components", 2, "--family", "dirichlet_categorical", "--json", "--starts", 2
    )
    assert code == 0 and json.loads(out)["n"] == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("empty", "--components", 2), '"empty" is a folder that holds no Parquet files'),
        (("days", "--components", 2, "--column", "z"), 'has no column "z"'),
        (("x.csv", "--components", 2, "--column", "a", "--on", "dask"), "leave --on out"),
        (("days", "--components", 2, "--column", "a", "--on", "nowhere"), "none of local"),
    ],
)
def test_what_cannot_be_is_said(days, elbowroom, arguments, words):
    (days / "empty").mkdir()
    code, out, err = elbowroom("fit", *arguments)
    assert code == 2 and out == "" and words in err and err.count("\n") == 1


def test_files_that_differ_in_their_columns_are_named(days, elbowroom):
    pd.DataFrame({"other": [1.0]}).to_parquet(days / "days" / "3.parquet")
    code, _, err = elbowroom("fit", "days", "--components", 2, "--column", "a")
    assert code == 2 and '3.parquet has no column "a"; it has other' in err
