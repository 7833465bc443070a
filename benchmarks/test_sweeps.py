"""A sweep of every family, plain and compiled, by pytest-benchmark.

    uv run pytest benchmarks --numprocesses=0 --benchmark-group-by=param:family

Collected only when named; pytest-benchmark keeps earlier runs apart with --benchmark-autosave and
compares them with --benchmark-compare.
"""

import numpy as np
import pytest

from hand_cavi import DirichletWeights
from hand_cavi.data.kernels import refresh, refresh_plain
from tests.hand_cavi.cases import FAMILIES

N, K = 100_000, 5


@pytest.mark.parametrize("kernel", ["plain", "compiled"])
@pytest.mark.parametrize("family", FAMILIES)
def test_sweep(benchmark, family, kernel, monkeypatch):
    if kernel == "compiled":
        pytest.importorskip("numba")
        monkeypatch.setenv("ELBOWROOM_KERNEL", "numba")
    case, rng = FAMILIES[family], np.random.default_rng(0)
    x = case.data(rng, N)
    prior = case.prior.with_features(x.shape[1])
    statistics, weight = prior.statistics(x), np.ones(N)
    sums = rng.dirichlet(np.ones(K), N).T @ statistics
    weights = DirichletWeights(1.0).for_components(K)

    def half_steps():
        components, pi = prior.updated(sums), weights.updated(sums[:, -1])
        arguments = statistics, weight, components.expected_phi, pi.expected_log()
        return refresh_plain(*arguments) if kernel == "plain" else refresh(*arguments, threads=1)

    found = benchmark(half_steps)
    assert np.isclose(found.sums[:, -1].sum(), N)
    if benchmark.stats is not None:  # None with --benchmark-disable
        benchmark.extra_info["nanoseconds per point and component"] = benchmark.stats["min"] / N / K * 1e9
