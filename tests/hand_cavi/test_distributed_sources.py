"""Data in parts on the workers of Dask: the fit is that of the data in memory, and only sums travel."""

import os
import sys

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from hand_cavi import DirichletWeights, FixedWeights, InputError, Mixture, NormalGamma, fit
from hand_cavi.data.derived_sources import CompleteRows
from hand_cavi.sources import as_source, on_workers, open_parquet
from hand_cavi.sources.base import Source
from tests.hand_cavi.cases import FAMILIES, WEIGHTS

FIT = sys.modules["hand_cavi.fit"]
MIXTURE = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), 3)
CUTS = (1, 1700, 2300, 999, 1000)


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def numbers(n=6000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) + np.array([-2.5, 0.5, 4.0])[rng.integers(0, 3, n)]


def folder_of(path, frame, files=4):
    path.mkdir()
    for i, part in enumerate(np.array_split(np.arange(len(frame)), files)):
        there = path / f"day={i}" if i % 2 else path
        there.mkdir(exist_ok=True)
        frame.iloc[part].to_parquet(there / f"{i}.parquet", row_group_size=300)
    (path / "_metadata.parquet").write_text("not of the data")
    return path


def same(found, wanted):
    assert found.elbo == pytest.approx(wanted.elbo, rel=1e-12)
    np.testing.assert_allclose(found.counts, wanted.counts, rtol=1e-12)
    np.testing.assert_allclose(found.components.natural, wanted.components.natural, rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_parts_change_nothing(family, weights, monkeypatch):
    """From one state, so that what differs is rounding alone: a sweep's sums, entropy and base."""
    monkeypatch.setattr(FIT, "HELD", 0)
    case, rng = FAMILIES[family], np.random.default_rng(0)
    x, w = case.data(rng, 400), rng.gamma(2.0, size=400)
    x, w = np.repeat(x, 15, axis=0), np.repeat(w, 15)
    mixture = Mixture(case.prior, WEIGHTS[weights](3), 3)
    arguments = {"rng": 0, "starts": 2, "max_sweeps": 3, "condense": False}
    wanted = fit(mixture, x, sample_weight=w, **arguments)
    cut = da.from_array(x, chunks=(CUTS, x.shape[1]))
    found = fit(mixture, cut, sample_weight=da.from_array(w, chunks=(CUTS,)), **arguments)
    np.testing.assert_allclose(found.elbo_trace, wanted.elbo_trace, rtol=1e-12)
    np.testing.assert_allclose(found.counts, wanted.counts, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # of Dask's own code
@pytest.mark.parametrize("condense", [True, False])
def test_every_kind_of_dask_gives_the_fit_of_the_array(condense, tmp_path, monkeypatch):
    monkeypatch.setattr(FIT, "HELD", 0)
    x = numbers()
    frame = pd.DataFrame({"x": x, "other": 1.0})
    cut = dd.from_pandas(frame, npartitions=7)
    folder = folder_of(tmp_path / "days", frame)
    cut.to_parquet(flat := tmp_path / "flat")
    np.save(tmp_path / "x.npy", x)
    kinds = {
        "array": da.from_array(x, chunks=(CUTS,)),
        "column": da.from_array(x[:, np.newaxis], chunks=(CUTS, 1)),
        "lengths unknown": cut.x.to_dask_array(),
        "series": cut.x,
        "frame": cut[["x"]],
        "frame of a folder": dd.read_parquet(flat, columns=["x"]),
        "folder": on_workers(open_parquet(folder, ["x"]), 700),
        "folder, here": open_parquet(folder, ["x"]),
        "npy": on_workers(npy_rows(tmp_path / "x.npy"), 700),
    }
    arguments = {"rng": 1, "starts": 3, "max_sweeps": 50, "condense": condense}
    in_order = pd.read_parquet(sorted(folder.rglob("[0-9]*.parquet")))
    for name, data in kinds.items():
        rows = in_order.x.to_numpy() if name.startswith("folder") else x
        found = fit(MIXTURE, data, **arguments)
        same(found, fit(MIXTURE, rows, **arguments))
        assert (found.condensed is not None) == condense, name


def npy_rows(path):
    from hand_cavi.sources.array import NpyRows

    return NpyRows(path, 0, 6000)


def test_counts_in_parts_are_condensed_to_their_distinct_rows():
    case, rng = FAMILIES["gamma_poisson D=2"], np.random.default_rng(3)
    x = rng.poisson(np.array([[2.0, 1.0], [9.0, 4.0]])[rng.integers(0, 2, 60_000)]).astype(float)
    mixture = Mixture(case.prior, FixedWeights(), 2)
    found = fit(mixture, da.from_array(x, chunks=(7000, 1)), rng=0, starts=3)
    same(found, fit(mixture, x, rng=0, starts=3))
    assert found.condensed.n_nodes == len(np.unique(x, axis=0))


def test_a_part_may_have_no_weight_but_not_all():
    x, w = numbers(), np.ones(6000)
    w[:2000] = 0
    cut = da.from_array(x, chunks=1000)
    for condense in (True, False):
        arguments = {"rng": 1, "starts": 2, "max_sweeps": 20, "condense": condense}
        found = fit(MIXTURE, cut, sample_weight=da.from_array(w, chunks=1000), **arguments)
        same(found, fit(MIXTURE, x, sample_weight=w, **arguments))
        with pytest.raises(InputError, match="zero everywhere"):
            fit(MIXTURE, cut, sample_weight=da.zeros(6000, chunks=1000), **arguments)


def test_a_checkpoint_and_given_starts_serve_parts_too(tmp_path, monkeypatch):
    monkeypatch.setattr(FIT, "HELD", 0)
    x = numbers()
    cut = da.from_array(x, chunks=(CUTS,))
    r = np.random.default_rng(0).dirichlet(np.ones(3), 6000)
    arguments = {"rng": 1, "starts": r, "max_sweeps": 5, "condense": False}
    same(fit(MIXTURE, cut, **arguments), fit(MIXTURE, x, **arguments))
    begun = fit(MIXTURE, cut, **arguments, checkpoint=tmp_path / "log")
    again = fit(MIXTURE, cut, **arguments, checkpoint=tmp_path / "log")
    assert again.elbo_trace.tolist() == begun.elbo_trace.tolist()


@pytest.mark.parametrize("condense", [True, False])
@pytest.mark.parametrize(
    ("wrong", "words"), [(np.nan, "nan in row 4321, column 0"), (np.inf, "inf in row 4321")]
)
def test_what_is_wrong_is_named_by_its_row_in_all_the_data(condense, wrong, words, monkeypatch):
    monkeypatch.setattr(FIT, "HELD", 0)
    x = numbers()
    x[[4321, 5900]] = wrong
    with pytest.raises(InputError, match=words):
        fit(MIXTURE, da.from_array(x, chunks=(CUTS,)), rng=0, condense=condense)


def test_missing_values_of_a_frame_are_named_and_can_be_left_out():
    frame = pd.DataFrame({"x": pd.array(numbers(), dtype="Float64")})
    frame.loc[4321, "x"] = pd.NA
    with pytest.raises(InputError, match="missing in row 4321"):
        fit(MIXTURE, dd.from_pandas(frame, npartitions=5), rng=0)
    x = numbers()
    x[[5, 4321]] = np.nan
    complete = CompleteRows.of(as_source(da.from_array(x, chunks=(CUTS,))))
    assert complete.dropped.tolist() == [5, 4321] and complete.n_points == 5998
    same(
        fit(MIXTURE, complete, rng=1, starts=2, condense=True),
        fit(MIXTURE, x[~np.isnan(x)], rng=1, starts=2, condense=True),
    )


def test_data_of_dask_that_are_no_table_are_refused(tmp_path):
    x = da.from_array(numbers(), chunks=1000)
    cases = {
        "3 axes": lambda: as_source(da.zeros((2, 2, 2))),
        "not of Dask": lambda: as_source(x, np.ones(6000)),
        "cut in other places": lambda: as_source(x, da.ones(6000, chunks=999)),
        "hold no points": lambda: as_source(da.zeros((0, 1))),
        "have no features": lambda: as_source(da.zeros((3, 0))),
        "cannot be read as real numbers": lambda: fit(MIXTURE, dd.from_pandas(pd.Series(["a", "b"])), rng=0),
        "holds no Parquet files": lambda: open_parquet(tmp_path),
        "these data are of another kind": lambda: on_workers(as_source(numbers())),
    }
    for words, call in cases.items():
        with pytest.raises(InputError, match=words):
            call()


class Spied(Source):
    """A part that says where it was read."""

    n_points, n_features = 1000, 1

    def __init__(self, number, seen):
        self.number, self.seen = number, seen

    def blocks(self):
        with open(self.seen / f"{self.number}-{os.getpid()}", "a"):
            yield from as_source(numbers(1000, self.number)).blocks()


def test_rows_are_read_by_workers_and_sums_alone_come_back(tmp_path, monkeypatch):
    """Two processes of a real cluster read the rows; where this one reads them, not a bit differs."""
    from experiments.engine.workers.distributed import HERE, connected
    from hand_cavi.sources.distributed import DistributedSource

    monkeypatch.setattr(FIT, "HELD", 0)
    parts = tuple(Spied(number, tmp_path) for number in range(20))
    source = DistributedSource(parts, (1000,) * 20)
    x = np.concatenate([numbers(1000, number) for number in range(20)])
    arguments = {"rng": 1, "starts": 2, "max_sweeps": 10, "condense": False}
    with connected(HERE, 2), dask.config.set(scheduler=None):
        found = fit(MIXTURE, source, **arguments)
    readers = {name.name.split("-")[1] for name in tmp_path.iterdir()}
    assert str(os.getpid()) not in readers and len(readers) == 2
    here = fit(MIXTURE, source, **arguments)
    assert found.components.natural.tolist() == here.components.natural.tolist()
    assert found.elbo == here.elbo
    same(found, fit(MIXTURE, x, **arguments))


def test_rows_that_are_spread_out_are_the_same_however_they_are_cut(tmp_path, monkeypatch):
    frame = pd.DataFrame({"x": numbers(), "w": np.arange(6000.0)})
    folder = folder_of(tmp_path / "days", frame)
    source = open_parquet(folder, ["x"], "w")
    whole = source.spread_out(6000)
    read = []
    block_of = type(source)._block
    monkeypatch.setattr(type(source), "_block", lambda *all_: read.append(1) or block_of(*all_))
    for cut in (source, on_workers(source, 700)):
        for most, step, groups in ((5, 1200, 5), (1000, 6, 20)):
            read.clear()
            some = cut.spread_out(most)
            assert some.rows.tolist() == whole.rows[::step].tolist()
            assert some.weight.tolist() == whole.weight[::step].tolist()
            assert len(read) == groups  # of 20
