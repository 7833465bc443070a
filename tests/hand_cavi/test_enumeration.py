"""Every family with every weights prior, against all assignments summed by brute force."""

import numpy as np
import pytest

from hand_cavi import DirichletWeights, Mixture, NormalGamma, fit
from tests.hand_cavi.cases import PAIRS, make
from tests.hand_cavi.evidence import log_evidence, log_joints

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)

X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])


@pairs
def test_the_bound_lies_between_the_best_assignment_and_the_evidence(family, weights):
    """max_c ln p(x, c) <= max ELBO <= ln p(x): docs/mathematics.md, 4."""
    mixture, x = make(family, weights, 3, 5, seed=40)
    assignments, log_joint = log_joints(mixture, x)
    best = assignments[int(np.argmax(log_joint))]
    starts = np.concatenate(
        [[np.eye(3)[list(best)]], np.random.default_rng(41).dirichlet(np.ones(3), (9, 5))]
    )
    elbo = fit(mixture, x, rng=0, starts=starts, max_sweeps=300).elbo
    assert log_joint.max() - 1e-9 <= elbo <= np.logaddexp.reduce(log_joint)


@pairs
def test_at_a_certain_assignment_the_bound_is_its_joint(family, weights):
    """With q(c) certain and q(theta), q(pi) at their optimum, the bound is ln p(x, c) itself."""
    mixture, x = make(family, weights, 3, 6, seed=42)
    assignments, log_joint = log_joints(mixture, x)
    for chosen in np.random.default_rng(43).choice(len(assignments), 5, replace=False):
        r = np.eye(3)[list(assignments[chosen])]
        bound = fit(mixture, x, rng=0, starts=r, max_sweeps=1).half_step_trace[0, 0]
        assert bound == pytest.approx(log_joint[chosen], rel=1e-10)


@pairs
def test_one_component_is_the_evidence(family, weights):
    mixture, x = make(family, weights, 1, 7, seed=44)
    assert fit(mixture, x, rng=0, starts=1).elbo == pytest.approx(log_evidence(mixture, x), abs=1e-9)


def test_normal_gamma_fixture():
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 2)
    assert log_evidence(mixture, X[:, np.newaxis]) == pytest.approx(-17.559746677204, abs=1e-9)
    assert fit(mixture, X, rng=1).elbo == pytest.approx(-18.291397540986, abs=1e-9)
