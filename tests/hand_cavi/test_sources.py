"""Large data: every kind of source gives the fit of the array it stands for, and holds little of it."""

import json
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hand_cavi import FixedWeights, InputError, Mixture, NormalGamma, NormalWishart, fit
from hand_cavi.ascent.preparing import look_at
from hand_cavi.sources import ArraySource, Block, Source, as_source, open_parquet
from tests.hand_cavi.cases import FAMILIES, WEIGHTS

ROOT = Path(__file__).parents[2]
FIT = sys.modules["hand_cavi.fit"]


@pytest.fixture
def streaming(monkeypatch):
    """Every fit streams, whatever the size of its data."""
    monkeypatch.setattr(FIT, "HELD", 0)


def data(n=6000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + np.array([-2.5, 0.5, 4.0])[rng.integers(0, 3, n), np.newaxis]


MIXTURE = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), FixedWeights(), 3)


class InPieces(Source):
    """A source of one's own."""

    n_points, n_features = 6000, 1

    def blocks(self) -> Iterator[Block]:
        x = data()
        for start in range(0, 6000, 1700):
            yield Block(x[start : start + 1700])


def written_parquet(path, x, **columns):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": x[:, 0], **columns}), path, row_group_size=1100)
    return path


def test_every_kind_of_source_gives_the_same_fit(tmp_path, streaming):
    x = data()
    np.save(tmp_path / "x.npy", x)
    kinds = {
        "array": x,
        "memory map": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "path": tmp_path / "x.npy",
        "path as text": str(tmp_path / "x.npy"),
        "parquet": open_parquet(written_parquet(tmp_path / "x.parquet", x), ["x"]),
        "own": InPieces(),
    }
    fits = {name: fit(MIXTURE, source, rng=1, starts=2, max_sweeps=40) for name, source in kinds.items()}
    for name, found in fits.items():
        assert found.elbo == pytest.approx(fits["array"].elbo, rel=1e-13), name
        np.testing.assert_allclose(found.components.natural, fits["array"].components.natural, rtol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_streaming_changes_nothing(family, weights, monkeypatch):
    """From the same responsibilities, so that only the way of reading differs (and the coordinates)."""
    case, rng = FAMILIES[family], np.random.default_rng(0)
    x, r, w = case.data(rng, 400), rng.dirichlet(np.ones(3), 400), rng.gamma(2.0, size=400)
    mixture = Mixture(case.prior, WEIGHTS[weights](3), 3)
    arguments = {"rng": 0, "starts": r, "sample_weight": w, "max_sweeps": 25, "tolerance": 0.0}
    held = fit(mixture, x, **arguments)
    monkeypatch.setattr(FIT, "HELD", 0)
    monkeypatch.setattr("hand_cavi.ascent.preparing.START_ROWS", 100)
    streamed = fit(mixture, x, **arguments)
    np.testing.assert_allclose(streamed.elbo_trace, held.elbo_trace, rtol=1e-11)
    np.testing.assert_allclose(streamed.counts, held.counts, rtol=1e-7, atol=1e-9)
    further = fit(mixture, x, rng=0, starts=streamed, sample_weight=w, max_sweeps=1)
    assert further.elbo >= streamed.elbo - 1e-10 * abs(streamed.elbo)


def test_a_fit_goes_on_from_a_former_one():
    x = data()
    begun = fit(MIXTURE, x, rng=1, starts=1, max_sweeps=5)
    whole = fit(MIXTURE, x, rng=1, starts=1, max_sweeps=15)
    gone_on = fit(MIXTURE, x, rng=1, starts=begun, max_sweeps=10)
    np.testing.assert_allclose(gone_on.elbo_trace, whole.elbo_trace[5:], rtol=1e-12)
    with pytest.raises(InputError, match="same family, weights and number of features"):
        fit(Mixture(NormalWishart(0.0, 0.1, 2.0, 1.0), FixedWeights(), 3), x, rng=1, starts=begun)
    with pytest.raises(InputError, match="3 components; this mixture has 2"):
        fit(Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), FixedWeights(), 2), x, rng=1, starts=begun)


def test_weights_come_with_the_rows(tmp_path, streaming):
    x, w = data(), np.random.default_rng(2).gamma(2.0, size=6000)
    source = open_parquet(written_parquet(tmp_path / "x.parquet", x, w=w), ["x"], "w")
    found = fit(MIXTURE, source, rng=1, starts=1, max_sweeps=20)
    assert found.elbo == pytest.approx(fit(MIXTURE, x, rng=1, starts=1, max_sweeps=20, sample_weight=w).elbo)
    assert found.counts.sum() == pytest.approx(w.sum(), rel=1e-12)
    with pytest.raises(InputError, match="brings its own weights"):
        fit(MIXTURE, source, rng=1, sample_weight=w)


def test_rows_for_starts_are_spread_out():
    source = ArraySource(np.arange(1000.0)[:, np.newaxis])
    assert source.spread_out(100).rows[:, 0].tolist() == list(range(0, 1000, 10))
    assert InPieces().spread_out(601).rows[:, 0].tolist() == data()[::10, 0].tolist()


class Counted(Source):
    """Counts, before every block, those that somebody still holds."""

    n_points, n_features = 1000, 1

    def __init__(self) -> None:
        self._given: list = []
        self.held: list[int] = []

    def blocks(self) -> Iterator[Block]:
        for begins in range(0, 1000, 250):
            rows = np.arange(begins, begins + 250.0)[:, np.newaxis]
            self.held.append(sum(given() is not None for given in self._given))
            self._given.append(weakref.ref(rows))
            yield Block(rows)


def test_rows_that_are_spread_out_hold_no_block():
    source = Counted()
    assert source.spread_out(100).rows[:, 0].tolist() == list(range(0, 1000, 10))
    assert max(source.held) <= 1  # the one before, in the loop's hands


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([[1.0], [np.nan], [2.0]]), "nan in row 1, column 0"),
        (np.array([[1.0, np.inf]]), "inf in row 0, column 1"),
    ],
)
def test_a_look_names_the_row(x, message):
    with pytest.raises(InputError, match=message):
        look_at(ArraySource(x), lambda rows: None)


def test_what_cannot_be_used_is_said(tmp_path, streaming):
    x = data()
    path = written_parquet(tmp_path / "x.parquet", x, name=["a"] * len(x))
    (tmp_path / "no.npy").write_text("nothing")
    cases = {
        'no column "y"; it has x, name': lambda: open_parquet(path, ["y"]),
        'column "name" of .* holds string, not numbers': lambda: open_parquet(path, ["name"]),
        "cannot be read as a Parquet file": lambda: open_parquet(tmp_path / "no.npy", ["x"]),
        "cannot be read as an .npy file": lambda: as_source(tmp_path / "no.npy"),
        "hold no points": lambda: as_source(np.empty((0, 1))),
        "have 3 axes": lambda: as_source(np.zeros((2, 2, 2))),
        "numeric array": lambda: as_source(["a", "b"]),
        "leave moves at 0": lambda: fit(MIXTURE, x, rng=0, moves=2),
    }
    for message, call in cases.items():
        with pytest.raises(InputError, match=message):
            call()
    x[4321] = np.nan
    with pytest.raises(InputError, match="nan in row 4321"):
        fit(MIXTURE, x, rng=0)


def test_memory_stays_flat():
    """A fit to 3 million points in a memory map: 96 MB of statistics, of which a few are held at a time."""
    code = """
import json, resource, sys
import numpy as np
from hand_cavi import DirichletWeights, Mixture, NormalGamma, fit
x = np.random.default_rng(0).standard_normal(3_000_000)
mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), 2)
fit(mixture, x[:300_000], rng=0, starts=1, max_sweeps=2, condense=False)  # what is loaded once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fit(mixture, x, rng=0, starts=1, max_sweeps=2, condense=False)
print(json.dumps((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout) < 60
