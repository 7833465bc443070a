"""How sums move with expectations, held against the sums themselves."""

import numpy as np
import pytest

from hand_cavi.data import coupling as module
from hand_cavi.data.coupling import coupling
from hand_cavi.data.kernels import refresh_plain


@pytest.mark.parametrize(("block", "product"), [(1 << 18, 1 << 18), (100, 1 << 18), (200, 300)])
def test_it_is_the_derivative_of_the_sums(monkeypatch, block, product):
    """By central differences, whatever the sizes of blocks and pieces; weights of 0 count for nothing."""
    monkeypatch.setattr(module, "_BLOCK", block)
    monkeypatch.setattr(module, "_PRODUCT", product)
    rng = np.random.default_rng(0)
    statistics = np.column_stack([rng.normal(size=(61, 2)), np.ones(61)])
    weight, expected, log_weights = rng.poisson(2.0, 61).astype(float), rng.normal(size=(4, 3)), np.zeros(4)

    def sums(at):
        return refresh_plain(statistics, weight, at, log_weights).sums

    m, there = coupling(statistics, weight, expected, log_weights)
    np.testing.assert_allclose(there, sums(expected), rtol=1e-12)
    pushes = 1e-5 * np.eye(12).reshape(12, 4, 3)
    slopes = np.array([(sums(expected + push) - sums(expected - push)).ravel() / 2e-5 for push in pushes])
    np.testing.assert_allclose(m, slopes.T, atol=1e-7 * np.abs(m).max())


def test_memory_stays_flat_where_components_and_statistics_are_many():
    """600 of both together: products of pieces are added up as they come."""
    import tracemalloc

    rng = np.random.default_rng(1)
    tracemalloc.start()
    try:
        coupling(rng.normal(size=(2000, 20)), np.ones(2000), 0.1 * rng.normal(size=(30, 20)), np.zeros(30))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * 8 * 600**2
