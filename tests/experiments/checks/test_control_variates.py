"""Control variates: what they read off is the textbook's, and what is not linear is left alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import digamma

from examples.mutations.gallery import load, right_source
from experiments.checks import Decision, check
from experiments.checks.control_variates import control_variates_at, trusted
from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.setup import set_up

RARE = 1e-9


@pytest.fixture(scope="module")
def setup():
    module = load(right_source("normal_gamma"))
    guarded = GuardedDerivation.of(module.Derivation(), module.LogJoint())
    return set_up(guarded, np.random.default_rng(1), 2, (1000,))


def _expected(setup, known, targets_of):
    """Return expectations of targets by a function of values, rounding 1."""
    rng = np.random.default_rng(2)
    draws = setup.guarded.draw(known.state, rng, known.draws)

    def targets(values):
        found = np.stack(np.broadcast_arrays(*targets_of(values)), axis=1).astype(float)
        return found, np.abs(found).max(axis=1)

    return known.expectations(draws, targets, setup.spaces, rng)[0]


def test_expectations_are_those_of_the_textbook(setup):
    """Bishop, B.21 and B.30, and E[lambda (mu - m)^2] = 1 / beta; to rounding, off some hundred draws."""
    state = setup.states[0]

    def targets(values):
        log_lambda, log_pi = np.log(values["precision"][:, 0]), np.log(values["weights"][:, 1])
        first = values["assignments"][:, 0] == 1
        square = values["precision"][:, 0] * (values["mu"][:, 0] - state["m"][0]) ** 2
        return log_lambda, log_pi, first, square, first * log_pi, log_pi * log_lambda

    e_lambda = digamma(state["a"][0]) - np.log(state["b"][0])
    e_pi = digamma(state["alpha"][1]) - digamma(state["alpha"].sum())
    r = state["r"][0, 1]
    wanted = [e_lambda, e_pi, r, 1 / state["beta"][0], r * e_pi, e_pi * e_lambda]
    known = control_variates_at(setup.controlling, setup.guarded.factors, state, products=True)
    np.testing.assert_allclose(_expected(setup, known, targets), wanted, rtol=0, atol=1e-9)


def test_a_level_that_is_never_drawn_is_counted(setup):
    r = setup.states[0]["r"].copy()
    r[0] = 1 - RARE, RARE
    known = control_variates_at(setup.controlling, ("assignments",), {**setup.states[0], "r": r})
    (found,) = _expected(setup, known, lambda values: [100.0 * (values["assignments"][:, 0] == 1)])
    assert found == pytest.approx(100 * RARE, rel=1e-3)


def test_what_is_not_a_combination_has_no_expectation(setup):
    """Not even what is one wherever q is likely to draw: beyond three sd of mu the last one has a bend."""
    state = setup.states[0]
    known = control_variates_at(setup.controlling, ("components",), state)
    far = state["m"][0] + 3 * np.sqrt(state["b"][0] / state["a"][0] / state["beta"][0])

    def targets(values):
        mu, precision = values["mu"][:, 0], values["precision"][:, 0]
        return np.sin(mu), mu * precision, precision + np.maximum(mu - far, 0)

    assert np.isnan(_expected(setup, known, targets)).tolist() == [True, False, True]


def test_a_factor_that_is_normalised_at_one_parameter_only_has_no_controls(setup):
    class Loose(type(setup.guarded.derivation)):
        def log_density(self, state, factor, values):
            log_q = super().log_density(state, factor, values)
            return (
                log_q + np.log(state["alpha"] / setup.states[0]["alpha"]).sum()
                if factor == "weights"
                else log_q
            )

    guarded = GuardedDerivation.of(Loose(), setup.guarded.log_joint)
    kept = {
        one.factor
        for one in (replace(one, guarded=guarded) for one in setup.parameters)
        if trusted(one, setup.states[:1], np.random.default_rng(3))
    }
    assert kept == {"components", "assignments"}


def test_controls_decide_every_update_and_term_of_a_conjugate_model():
    module = load(right_source("sticks"))
    report = check(module.Derivation(), None, module.LogJoint(), rng=4)
    statistical = [r for r in report.results if r.check in ("definition", "elbo")]
    assert {r.decision for r in statistical} == {Decision.PASSED}
    assert max(r.error_bound for r in statistical) < 1e-4
    assert max(r.draws for r in statistical) < 1000


def test_an_update_of_very_many_discrete_variables_is_looked_at():
    """800 coins: ln q of a draw is near -500, and its neighbours' must be compared none the less."""

    class Coins:
        factors = ("coin",)
        chance = 0.4

        def initial(self, rng):
            return {"p": rng.uniform(0.2, 0.8, 800)}

        def update(self, state, factor):
            return {"p": np.full(800, self.chance)}

        def elbo(self, state):
            p = state["p"]
            prior = p * np.log(0.4) + (1 - p) * np.log(0.6)
            return {"all": np.sum(prior - p * np.log(p) - (1 - p) * np.log(1 - p))}

        def sample(self, state, factor, rng, n):
            return (rng.random((n, 800)) < state["p"]).astype(int)

        def log_density(self, state, factor, coin):
            return (coin @ np.log(state["p"])) + (1 - coin) @ np.log(1 - state["p"])

    class Wrong(Coins):
        chance = 0.41

    def log_joint(values):
        return np.where(values["coin"] == 1, np.log(0.4), np.log(0.6)).sum(axis=1)

    assert check(Coins(), None, log_joint, rng=5, sizes=(200, 800)).passed is not False
    faults = check(Wrong(), None, log_joint, rng=5, sizes=(200, 800)).faults
    assert [(fault.check, fault.factor) for fault in faults] == [("definition", "coin")]
