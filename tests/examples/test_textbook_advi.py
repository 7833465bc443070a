"""ADVI written out: its slope against differences, its density against the package, its end against CAVI."""

import numpy as np
import pytest

from examples.textbook_advi import advi, log_joint_and_slope
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit, log_joint

X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
MIXTURE = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), n_components=2)


def test_the_joint_density_and_its_slope():
    mu = np.array([-1.3, 2.2])
    value, slope = log_joint_and_slope(mu, X, 25.0)
    assert value == pytest.approx(
        log_joint(MIXTURE, X[:, np.newaxis], {"mu": mu[np.newaxis, :, np.newaxis]})[0]
    )
    for k, step in enumerate(1e-5 * np.eye(2)):
        up, down = (log_joint_and_slope(mu + sign * step, X, 25.0)[0] for sign in (1, -1))
        assert slope[k] == pytest.approx((up - down) / 2e-5, abs=1e-7)


def test_it_ends_where_f_is_highest():
    """Its F, over 1000 steps, is that of docs/mathematics.md, section 11, and lies above CAVI's ELBO."""
    m, s, bounds = advi(X, [-1.0, 1.0], steps=4000, rate=0.005, rng=1)
    last = bounds[-1000:]
    error = last.std() / np.sqrt(len(last))
    assert last.mean() == pytest.approx(-18.683933, abs=4 * error + 0.02)  # steps keep it off its end by 0.02
    q = fit(MIXTURE, X, rng=1)
    assert np.sort(m) == pytest.approx(np.sort(q.components.mean.ravel()), abs=0.1)
    assert s == pytest.approx(np.sqrt(q.components.variance), abs=0.1)
