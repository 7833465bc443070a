"""A softmax that over- or underflows is found where random states do not show it; correct ones hold.

No draws are taken, so that there is no chance of a false alarm.
"""

import numpy as np
import pytest

from examples.mutations.gallery import DERIVATIONS, load, right_source
from experiments.checks import Decision, check, overflow
from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.checks.setup import set_up

RIGHT = "np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))"
NORMALISED = "(lambda e: e / e.sum(axis=1, keepdims=True))"
WRONG = {
    "without log-sum-exp": f"{NORMALISED}(np.exp(log_r))",
    "nan set to zero": f"np.nan_to_num({NORMALISED}(np.exp(log_r)))",
    "a small number added": f"{NORMALISED}(np.exp(log_r) + 1e-300)",
    "clipped": f"{NORMALISED}(np.exp(np.clip(log_r, -500, 500)))",
}


def mutant(name, wrong):
    assert right_source(name).count(RIGHT) == 1
    return load(right_source(name).replace(RIGHT, wrong))


def overflow_of(module):
    rng = np.random.default_rng(3)
    setup = set_up(GuardedDerivation.of(module.Derivation(), module.LogJoint()), rng, 8, (100,))
    return overflow.run(setup, rng)


def decisions(report):
    return {r.factor: r.decision for r in report.results if r.check == "overflow"}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_softmax_that_overflows_is_found_and_named(wrong):
    module = mutant("textbook", WRONG[wrong])
    report = check(module.Derivation(), None, module.LogJoint(), rng=1)
    assert [(fault.check, fault.factor) for fault in report.faults] == [("overflow", "assignments")]
    (fault,) = report.faults
    assert "log-sum-exp" in fault.message


# Of few categorical features, expected logarithms are never so small that an exponential underflows.
@pytest.mark.parametrize("name", ["normal_gamma", "gamma_poisson", "sticks"])
def test_without_log_sum_exp_other_derivations_are_caught_too(name):
    results = overflow_of(mutant(name, WRONG["without log-sum-exp"]))
    assert [r.factor for r in results if r.decision is Decision.FAILED] == ["assignments"]


def test_an_entropy_without_0_ln_0_is_the_bounds_fault():
    source = right_source("textbook").replace("-np.sum(xlogy(r, r))", "-np.sum(r * np.log(r))")
    module = load(source)
    ((fault,)) = check(module.Derivation(), None, module.LogJoint(), rng=1).faults
    assert (fault.check, fault.factor) == ("overflow", "the ELBO")
    assert "entropy_assignments" in fault.message


@pytest.mark.parametrize("name", DERIVATIONS)
def test_correct_updates_hold(name):
    results = overflow_of(load(right_source(name)))
    assert {r.decision for r in results} == {Decision.PASSED}, results


def test_without_parameters_it_is_skipped_and_says_where_to_read_on():
    module = load(right_source("textbook").replace("def parameters(", "def _parameters("))
    report = check(module.Derivation(), None, module.LogJoint(), rng=1, sizes=(1000,))
    assert set(decisions(report).values()) == {Decision.SKIPPED}
    sentences = [r.sentence for r in report.results if r.decision is Decision.SKIPPED]
    assert all("docs/checks.md" in sentence for sentence in sentences)
    assert not any("experiments." in sentence for sentence in sentences)
