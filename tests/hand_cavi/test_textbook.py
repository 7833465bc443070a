"""The textbook model: fixtures, the algorithm written out with loops, and the saddle."""

import numpy as np
import pytest

from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, Status, fit, log_joint
from tests.hand_cavi import textbook

X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
SIGMA2 = 25.0
MIXTURE = Mixture(NormalKnownVariance(0.0, SIGMA2), FixedWeights(), 2)


def test_best_bound_of_the_eight_points():
    assert fit(MIXTURE, X, rng=1).elbo == pytest.approx(-18.716970286055, abs=1e-9)


def test_bound_stays_below_the_evidence():
    evidence = textbook.log_evidence(X, 2, SIGMA2)
    assert evidence == pytest.approx(-17.990121876653, abs=1e-9)
    assert fit(MIXTURE, X, rng=1).elbo < evidence


def test_collapsed_bound_of_the_eight_points():
    """F(q) within 5 standard errors, below 3e-4; a false alarm has chance 6e-7."""
    result = fit(MIXTURE, X, rng=1)
    draws = result.sample(2, 1_000_000)
    weights = log_joint(MIXTURE, X, draws) - result.log_density(draws)
    error = weights.std() / np.sqrt(len(weights))
    assert error < 6e-5
    assert weights.mean() == pytest.approx(-18.685226, abs=5 * error + 5e-7)


def test_every_sweep_is_the_textbooks():
    rng = np.random.default_rng(3)
    phi = rng.dirichlet(np.ones(3), size=len(X))
    mixture = Mixture(NormalKnownVariance(0.0, SIGMA2), FixedWeights(), 3)
    for sweeps in (1, 2, 7):
        ours = fit(mixture, X, rng=0, starts=phi, max_sweeps=sweeps)
        theirs = phi
        for _ in range(sweeps):
            m, s2, theirs = textbook.sweep(X, theirs, SIGMA2)
        np.testing.assert_allclose(ours.components.mean[:, 0], m, rtol=1e-12)
        np.testing.assert_allclose(ours.components.variance, s2, rtol=1e-12)
        np.testing.assert_allclose(ours.responsibilities(X), theirs, rtol=1e-10)
        assert ours.elbo == pytest.approx(textbook.elbo(X, m, s2, theirs, SIGMA2), rel=1e-12)


def test_equal_starting_means_stay_at_the_saddle():
    result = fit(MIXTURE, X, rng=0, starts=np.full((8, 2), 0.5))
    assert result.status is Status.SADDLE
    assert np.ptp(result.components.mean) == 0
    # The closed form in 30-digit arithmetic.
    assert result.elbo == pytest.approx(-29.0270248220826018, abs=1e-12)


def test_log_joint_against_the_formula():
    rng = np.random.default_rng(4)
    mu = rng.normal(0, 3, size=(20, 2, 1))
    ours = log_joint(MIXTURE, X, {"mu": mu})
    theirs = []
    for draw in mu[:, :, 0]:
        density = np.exp(-0.5 * (X[:, None] - draw) ** 2) / np.sqrt(2 * np.pi)
        prior = -0.5 * draw**2 / SIGMA2 - 0.5 * np.log(2 * np.pi * SIGMA2)
        theirs.append(np.log(density.mean(axis=1)).sum() + prior.sum())
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
