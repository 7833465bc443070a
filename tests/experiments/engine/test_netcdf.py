"""Array files by a kept layout: the same bytes as xarray writes, and the same trees as it reads."""

from io import BytesIO

import numpy as np
import pytest
import xarray as xr

from experiments.engine.store import netcdf
from experiments.engine.store.netcdf import from_bytes, to_bytes
from ppl_baselines.draws import to_datatree


@pytest.fixture(autouse=True)
def _forgotten():
    netcdf._written.clear()
    netcdf._read.clear()


def draws(seed, n=30, told="exact"):
    rng = np.random.default_rng(seed)
    chains = {"mu": rng.standard_normal((1, n, 2, 1)), "weights": rng.random((1, n, 2))}
    chains["mu"][0, 3] = np.nan
    tree = to_datatree(chains, sample_stats={"log_q": rng.standard_normal((1, n))})
    tree["sample_stats"].attrs["symmetrised"] = told
    return tree


def data(seed):
    rng = np.random.default_rng(seed)
    truth = xr.Dataset(
        {"mu": (("k", "d"), rng.random((2, 1))), "assignments": (("n",), rng.integers(0, 2, 7))}
    )
    return xr.DataTree.from_dict({"/": xr.Dataset({"x": (("n", "d"), rng.random((7, 1)))}), "truth": truth})


def chains(seed):
    rng = np.random.default_rng(seed)
    stats = {"diverging": rng.random((2, 20)) < 0.1, "energy": rng.random((2, 20))}
    return to_datatree({"mu": rng.random((2, 20, 2, 1))}, sample_stats=stats)


def words(seed):
    ranks = xr.Dataset({"rank": (("q",), np.random.default_rng(seed).random(2))}, {"q": ["mean", "weight"]})
    return xr.DataTree.from_dict({"ranks": ranks})


def nothing(seed):
    return xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": (("chain", "draw"), np.zeros((1, 0)))})})


def by_xarray(image):
    with xr.open_datatree(BytesIO(image), engine="h5netcdf") as tree:
        return tree.load()


@pytest.mark.parametrize("made", [draws, data, chains, words, nothing])
def test_files_and_trees_are_those_of_xarray(made):
    for seed in (1, 2, 1, 3):
        tree = made(seed)
        image = bytes(tree.to_netcdf(engine="h5netcdf"))
        assert to_bytes(tree) == image
        found = from_bytes(image)
        assert found.identical(by_xarray(image)) and found.identical(tree)
        assert to_bytes(found) == image


def test_the_second_of_a_kind_needs_no_xarray(monkeypatch):
    trees = [draws(seed) for seed in (1, 2)]
    images = [bytes(tree.to_netcdf(engine="h5netcdf")) for tree in trees]
    to_bytes(trees[0]), from_bytes(images[0])
    monkeypatch.setattr(xr.DataTree, "to_netcdf", None)
    monkeypatch.setattr(xr, "open_datatree", None)
    assert to_bytes(trees[1]) == images[1]
    assert from_bytes(images[1]).identical(trees[1])


@pytest.mark.parametrize(
    "other",
    [
        lambda tree: draws(2, told="about"),
        lambda tree: tree.map_over_datasets(
            lambda one: one.assign_coords(draw=one["draw"] + 5) if one else one
        ),
        lambda tree: tree.map_over_datasets(lambda one: one.astype("f4") if one else one),
        lambda tree: tree.map_over_datasets(lambda one: one.rename(draw="drew") if one else one),
    ],
    ids=["attribute", "coordinates", "kind", "name"],
)
def test_what_is_laid_out_otherwise_is_seen(other):
    """Also where its file is as long: a coordinate, or an attribute, has other numbers."""
    tree = other(draws(2))
    image = bytes(tree.to_netcdf(engine="h5netcdf"))
    to_bytes(draws(1)), from_bytes(to_bytes(draws(1)))
    assert to_bytes(tree) == image
    assert from_bytes(image).identical(by_xarray(image))


def test_what_was_read_is_the_readers_own():
    image = to_bytes(draws(1))
    first, second = from_bytes(image), from_bytes(image)
    first["posterior/mu"].values[:] = 7.0
    first["posterior"].attrs["note"] = "mine"
    assert second.identical(draws(1)) and from_bytes(image).identical(draws(1))


def test_a_damaged_file_is_no_tree():
    image = to_bytes(draws(1))
    from_bytes(image)
    for damaged in (image[: len(image) // 2], b"\0" * len(image), b""):
        with pytest.raises((OSError, KeyError, ValueError, RuntimeError)):
            from_bytes(damaged)


def test_few_layouts_are_kept():
    for n in range(4, 4 + 2 * netcdf._KEPT):
        from_bytes(to_bytes(draws(1, n)))
    assert len(netcdf._written) == len(netcdf._read) == netcdf._KEPT
