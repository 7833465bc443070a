"""Distinct rows with their counts are numpy's, and giving up is early."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
)
from hand_cavi.data.condense.distinct import unique_rows


def test_which_families_are_discrete():
    assert GammaPoisson.discrete and DirichletCategorical.discrete
    assert not any(family.discrete for family in (NormalGamma, NormalKnownVariance, NormalWishart))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    n=st.integers(1, 400) | st.just(20_000),
    n_features=st.integers(1, 5),
    kind=st.sampled_from(["counts", "negative", "halves", "large", "zeros", "one large"]),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_as_numpy_says(n, n_features, kind, weighted, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (n, n_features)).astype(float)
    x = {
        "counts": x,
        "negative": x - 1,
        "halves": x / 2,
        "large": x * 1e15,
        "zeros": x * 0.0 * np.where(rng.random(x.shape) < 0.5, -1, 1),
        "one large": np.where(np.arange(n)[:, np.newaxis] == n // 2, 1e12, x),
    }[kind]
    weight = rng.integers(0, 3, n).astype(float) if weighted else None
    counts = np.ones(n) if weight is None else weight
    if not counts.any():
        return
    data = unique_rows(x, weight, most=n)
    rows, inverse = np.unique(x[counts > 0] + 0.0, axis=0, return_inverse=True)
    np.testing.assert_array_equal(data.x, rows)
    np.testing.assert_array_equal(data.weight, np.bincount(inverse, counts[counts > 0]))
    assert data.exact and data.n_points == n and data.total_weight == counts.sum()

    cut = n // 3
    blocks = [
        (x[:cut], None if weight is None else weight[:cut]),
        (x[cut:], None if weight is None else weight[cut:]),
    ]
    again = unique_rows(iter(blocks), most=n)
    np.testing.assert_array_equal(again.x, data.x)
    np.testing.assert_array_equal(again.weight, data.weight)


def test_a_fit_is_the_same():
    rng = np.random.default_rng(0)
    x = rng.poisson(np.where(rng.random(3000) < 0.4, 2.0, 9.0))
    data = unique_rows(x)
    assert len(data.x) < 30
    mixture = Mixture(GammaPoisson(1.0, 0.2), DirichletWeights(1.0), 2)
    start = np.column_stack([data.x[:, 0] < 5, data.x[:, 0] >= 5]).astype(float)
    short = fit(mixture, data.x, sample_weight=data.weight, rng=0, starts=start)
    full = fit(mixture, x, rng=0, starts=np.column_stack([x < 5, x >= 5]).astype(float))
    assert short.elbo == pytest.approx(full.elbo, rel=1e-12)


def test_it_gives_up():
    rng = np.random.default_rng(1)
    assert unique_rows(rng.standard_normal(1000)) is None
    assert unique_rows(np.arange(100.0), most=99) is None
    assert unique_rows(np.arange(100.0), most=100) is not None
    assert unique_rows(iter([(np.arange(100.0), None)])) is None  # as many rows as points

    def endless():
        while True:
            yield rng.standard_normal((1000, 2)), None

    assert unique_rows(endless(), most=5000) is None


@pytest.mark.parametrize(
    ("x", "weight", "message"),
    [
        ([1.0, np.nan], None, "nan in row 1, column 0"),
        ([1.0, 2.0], [1.0, -1.0], "sample_weight is -1.0 in row 1"),
        ([1.0, 2.0], [0.0, 0.0], "zero everywhere"),
        ([1.0, 2.0], [1.0], r"shape \(1,\)"),
        (iter([([[1.0]], None), ([[1.0, 2.0]], None)]), None, "2 features and the first 1"),
        (iter([]), None, "no points"),
    ],
)
def test_bad_input(x, weight, message):
    with pytest.raises(InputError, match=message):
        unique_rows(x, weight, most=10)


def test_fixed_weights_too():
    x = np.repeat([[0.0, 1.0], [2.0, 0.0]], 500, axis=0)
    data = unique_rows(x)
    mixture = Mixture(DirichletCategorical(np.ones(3)), FixedWeights(), 1)
    short = fit(mixture, data.x, sample_weight=data.weight, rng=0)
    assert short.elbo == pytest.approx(fit(mixture, x, rng=0).elbo, rel=1e-13)
