"""A fit to condensed data of two features is the fit to the data, wherever these come from."""

import sys

import numpy as np
import pytest

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    StickBreaking,
    fit,
)
from hand_cavi.sources import Block, Source, as_source

N = 120_000
CONDENSING = sys.modules["hand_cavi.ascent.condensing"]

MIXTURES = {
    "normal_wishart": Mixture(NormalWishart([0.0, 0.0], 0.1, 4.0, 2.0), DirichletWeights(1.0), 2),
    "normal_gamma": Mixture(NormalGamma([0.0, 0.0], 0.1, 2.0, [1.0, 1.0]), StickBreaking(1.0), 2),
    "known variance": Mixture(NormalKnownVariance([0.0, 0.0], 25.0), FixedWeights(), 2),
}


def clusters(n=N, seed=0):
    """Return two overlapping clusters, one of them long and thin; the second feature in other units."""
    rng = np.random.default_rng(seed)
    second = rng.random(n) < 0.4
    thin = rng.standard_normal((n, 2)) @ [[1.3, 0.8], [0.0, 0.6]]
    return np.where(second[:, np.newaxis], [2.0, 0.0] + thin, rng.standard_normal((n, 2)) - 1) * [1.0, 3.0]


@pytest.fixture(scope="module")
def x():
    return clusters()


@pytest.mark.parametrize(
    ("name", "weighted"),
    [("normal_wishart", False), ("normal_wishart", True), ("normal_gamma", True), ("known variance", False)],
)
def test_condensing_changes_nothing(name, weighted, x):
    """From the same responsibilities: the bound agrees to 1e-9, which is asked for, and better."""
    mixture, rng = MIXTURES[name], np.random.default_rng(1)
    if name == "known variance":
        x = x / [1.0, 3.0]
    arguments = {
        "rng": 0,
        "starts": rng.dirichlet(np.ones(2), len(x)),
        "sample_weight": rng.gamma(2.0, size=len(x)) if weighted else None,
        "max_sweeps": 25,
        "tolerance": 0.0,
    }
    direct, condensed = (fit(mixture, x, **arguments, condense=how) for how in (False, True))
    about = condensed.condensed
    assert direct.condensed is None
    assert about.n_points == len(x) and 4 * about.n_nodes < len(x) and about.refinements == 0
    assert max(about.elbo_error, about.sums_error) < 1e-8
    np.testing.assert_allclose(condensed.elbo_trace, direct.elbo_trace, rtol=1e-9)
    assert condensed.elbo == pytest.approx(direct.elbo, rel=1e-9)
    np.testing.assert_allclose(condensed.components.mean, direct.components.mean, atol=1e-6)
    np.testing.assert_allclose(condensed.counts, direct.counts, rtol=1e-6)


def test_the_bound_is_that_of_the_data(x):
    found = fit(MIXTURES["normal_wishart"], x, rng=0, starts=1, max_sweeps=20, condense=True)
    assert found.condensed is not None
    np.testing.assert_allclose(found.counts, found.responsibilities(x).sum(axis=0), rtol=1e-10)
    further = fit(found.mixture, x, rng=0, starts=found, max_sweeps=1, condense=False)
    assert further.half_step_trace[0, 0] >= found.elbo - 1e-9 * abs(found.elbo)


class InParts(Source):
    """Rows whose sums are taken in three parts and added up, as workers do."""

    def __init__(self, rows):
        self.rows = rows

    n_features = 2

    @property
    def n_points(self):
        return len(self.rows)

    def blocks(self):
        for some in np.array_split(self.rows, 4):
            yield Block(some)

    def reduced(self, of_part, combine):
        cuts = [0, len(self.rows) // 5, len(self.rows) // 2, len(self.rows)]
        parts = zip(cuts, cuts[1:], strict=False)
        return combine([of_part(as_source(self.rows[a:b]), a) for a, b in parts])


def test_pieces_parts_and_threads(x, tmp_path, monkeypatch):
    monkeypatch.setenv("ELBOWROOM_KERNEL", "numba")
    pytest.importorskip("numba")
    np.save(tmp_path / "x.npy", x)
    arguments = {"rng": 0, "starts": 1, "max_sweeps": 10, "condense": True}
    one, two, mapped, parts = (
        fit(MIXTURES["normal_wishart"], data, **arguments, threads=threads)
        for data, threads in ((x, 1), (x, 2), (tmp_path / "x.npy", 1), (InParts(x), 1))
    )
    for other in (two, mapped):
        assert np.array_equal(one.components.natural, other.components.natural)
        assert one.elbo == other.elbo and one.condensed == other.condensed
    assert parts.condensed.n_nodes == pytest.approx(one.condensed.n_nodes, rel=0.01)
    assert parts.elbo == pytest.approx(one.elbo, rel=1e-9)


def test_a_wrong_guess_of_the_width_is_mended(x, monkeypatch):
    """Cells four times too wide: the error that is measured has them halved."""
    monkeypatch.setattr(CONDENSING, "_width", lambda *_: 2.0)
    found = fit(MIXTURES["normal_wishart"], x, rng=0, starts=1, tolerance=1e-9, condense=True)
    assert found.condensed.refinements > 0
    assert max(found.condensed.elbo_error, found.condensed.sums_error) <= 1e-8


def test_condense_tolerance_is_kept(x):
    found = fit(
        MIXTURES["normal_wishart"], x, rng=0, starts=1, max_sweeps=20, condense=True, condense_tolerance=1e-3
    )
    assert max(found.condensed.elbo_error, found.condensed.sums_error) <= 1e-3
    assert found.condensed.refinements == 0


@pytest.mark.parametrize(
    "kind", ["heavy tails", "three features", "too few points", "a line", "one column constant"]
)
def test_where_it_does_not_pay_the_data_are_fitted(kind, x):
    rng = np.random.default_rng(2)
    data = {
        "heavy tails": rng.standard_cauchy((30_000, 2)),
        "three features": rng.standard_normal((30_000, 3)),
        "too few points": x[:3000],
        "a line": np.outer(rng.standard_cauchy(30_000), [1.0, -2.0]),
        "one column constant": np.c_[rng.standard_cauchy(30_000), np.full(30_000, 7.0)],
    }[kind]
    D = data.shape[1]
    mixture = Mixture(NormalWishart(np.zeros(D), 0.1, D + 2.0, np.eye(D)), DirichletWeights(1.0), 2)
    arguments = {"rng": 0, "starts": 1, "max_sweeps": 3}
    direct, condensed = (fit(mixture, data, **arguments, condense=how) for how in (False, True))
    assert condensed.condensed is None
    assert condensed.elbo == direct.elbo


def test_many_points_are_condensed_unasked(x):
    mixture = MIXTURES["normal_wishart"]
    assert fit(mixture, np.concatenate([x, x, x]), rng=0, starts=1, max_sweeps=2).condensed is not None
    assert fit(mixture, x, rng=0, starts=1, max_sweeps=2).condensed is None


def test_bad_data_are_told_by_their_row(x):
    bad = x.copy()
    bad[77_777, 1] = np.inf
    with pytest.raises(InputError, match="inf in row 77777, column 1"):
        fit(MIXTURES["normal_wishart"], bad, rng=0, condense=True)
