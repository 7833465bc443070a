"""Ends at a saddle are told from maxima, held against the dense matrix of linear response."""

import sys

import numpy as np
import pytest

from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, NormalKnownVariance, Status, fit
from hand_cavi.ascent.preparing import prepare
from hand_cavi.ascent.saddle import growth
from hand_cavi.ascent.sweep import init
from hand_cavi.families import GammaPoisson, NormalWishart
from hand_cavi.linear_response import _coupling, _root_of_v
from hand_cavi.numerics.symmetric import symmetrised
from hand_cavi.weights import StickBreaking

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
MIRRORED = np.concatenate([-EIGHT[4:], EIGHT[4:]])
TEXTBOOK = NormalKnownVariance(mean=0.0, variance=25.0)


def radius(found, x):
    """Return the spectral radius of V M, from the matrices themselves."""
    inner, rows = found._inner(x)
    root = _root_of_v(inner, found.weights)
    m, _ = _coupling(inner, found.weights, rows, np.ones(len(rows)))
    return float(np.linalg.eigvalsh(symmetrised(root.T @ m @ root))[-1])


def risen(found, x):
    """Return what the bound gains from a small push: from a maximum nothing."""
    push = np.random.default_rng(1).dirichlet(np.ones(len(found.counts)), len(x))
    starts = 0.999 * found.responsibilities(x) + 0.001 * push
    return fit(found.mixture, x, rng=0, starts=starts).elbo - found.elbo


def symmetric_starts():
    """Equal shares; two components that are one; and outer and inner points of data that are mirrored."""
    shared = np.random.default_rng(0).dirichlet(np.ones(3), 8)
    shared[:, :2] = shared[:, :2].mean(axis=1, keepdims=True)
    outer = (np.abs(MIRRORED) > 2)[:, np.newaxis] == [True, False]
    return [
        (Mixture(TEXTBOOK, FixedWeights(), 2), EIGHT, np.full((8, 2), 0.5)),
        (Mixture(TEXTBOOK, DirichletWeights(1.0), 3), EIGHT, shared),
        (Mixture(NormalGamma(0.0, 0.01, 2.0, 0.5), FixedWeights(), 2), MIRRORED, outer.astype(float)),
    ]


@pytest.mark.parametrize(("mixture", "x", "starts"), symmetric_starts(), ids=["equal", "twins", "mirror"])
def test_a_start_that_cannot_lead_anywhere_is_told(mixture, x, starts):
    found = fit(mixture, x, rng=0, starts=starts)
    assert found.status is Status.SADDLE
    assert radius(found, x) > 1.001
    assert risen(found, x) > 1e-3


def families():
    rng = np.random.default_rng(3)
    x = rng.normal(rng.choice([-2.0, 0.0, 2.0], 60), 1.0)
    return {
        "textbook": (TEXTBOOK, x),
        "normal-gamma": (NormalGamma(0.0, 0.1, 2.0, 2.0), x),
        "normal-wishart": (
            NormalWishart(np.zeros(2), 0.1, 4.0, np.eye(2)),
            np.column_stack([x, rng.normal(size=60)]),
        ),
        "gamma-poisson": (GammaPoisson(1.0, 0.1), rng.poisson(np.exp(x / 2 + 1))),
    }


@pytest.mark.parametrize("name", families())
@pytest.mark.parametrize("weights", [FixedWeights(), DirichletWeights(1.0), StickBreaking(1.0)], ids=repr)
def test_maxima_are_not_accused(name, weights):
    """Where the dense matrix says that no push grows; there is no chance in it."""
    components, x = families()[name]
    for n_components in (1, 2, 4):
        for seed in range(3):
            found = fit(Mixture(components, weights, n_components), x, rng=seed, starts=1, tolerance=1e-13)
            if found.status is not Status.MAX_SWEEPS:  # still on its way
                assert (found.status is Status.SADDLE) == (radius(found, x) > 1.001), (n_components, seed)


def test_growth_is_the_largest_eigenvalue():
    mixture = Mixture(TEXTBOOK, DirichletWeights(1.0), 2)
    found = fit(mixture, EIGHT, rng=1)
    task, _ = prepare(mixture, EIGHT[:, np.newaxis], np.ones(8))
    state = init(task, found.responsibilities(EIGHT))
    assert growth(task, state, task.statistics) == pytest.approx(radius(found, EIGHT), abs=1e-4)


@pytest.mark.parametrize("n", [60_000, 200])
def test_large_data_are_looked_at_too(n):
    """Condensed in the first case, held in the second."""
    x = np.tile([-3.0, -2.0, 2.0, 3.0], n // 4)
    mixture = Mixture(TEXTBOOK, FixedWeights(), 2)
    assert fit(mixture, x, rng=0, starts=np.full((n, 2), 0.5)).status is Status.SADDLE
    assert fit(mixture, x, rng=0, starts=2).status is Status.CONVERGED


def test_data_that_are_read_anew_are_looked_at_where_components_are_alike(monkeypatch):
    monkeypatch.setattr(sys.modules["hand_cavi.fit"], "HELD", 10)
    mixture = Mixture(TEXTBOOK, FixedWeights(), 2)
    assert fit(mixture, EIGHT, rng=0, starts=np.full((8, 2), 0.5)).status is Status.SADDLE
    assert fit(mixture, EIGHT, rng=0, starts=2).status is Status.CONVERGED
