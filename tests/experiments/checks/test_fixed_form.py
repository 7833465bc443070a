"""An update that is the best gaussian, and not the best density of all, is held against that.

The model: counts x_i ~ Poisson(exp(z)), z ~ N(0, 1 / tau), tau ~ Gamma(a0, b0). The best gaussian q(z) is
found by Newton's method on the bound, whose terms are closed forms; q(tau) is a gamma, the best of all.
Each correct derivation has a false alarm with probability 0.5 % at most, and seeds are fixed.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import digamma, gammaln

from experiments.checks import Decision, check
from hand_cavi import InputError

X = np.array([2.0, 0.0, 3.0, 1.0])
A0, B0 = 2.5, 1.5


@dataclass(frozen=True)
class State:
    m: float
    v: float
    a: float
    b: float


def log_joint(values):
    z, tau = values["z"], values["tau"]
    log_tau = A0 * np.log(B0) - gammaln(A0) + (A0 - 1) * np.log(tau) - B0 * tau
    log_z = 0.5 * np.log(tau / (2 * np.pi)) - tau * z**2 / 2
    return log_tau + log_z + X.sum() * z - len(X) * np.exp(z) - gammaln(X + 1).sum()


class FreeForm:
    """Without a word of its form."""

    factors = ("z", "tau")

    def initial(self, rng):
        return State(m=rng.normal(0, 0.7), v=rng.gamma(2, 0.1), a=1 + rng.gamma(2), b=1 + rng.gamma(2))

    def update(self, s, factor):
        if factor == "tau":
            return replace(s, a=A0 + 0.5, b=B0 + (s.m**2 + s.v) / 2)
        m, v, precision = s.m, s.v, s.a / s.b
        for _ in range(200):
            rate = len(X) * np.exp(m + v / 2)
            v = 1 / (rate + precision)
            m += (X.sum() - rate - precision * m) * v / 2
        return replace(s, m=m, v=v)

    def elbo(self, s):
        log_tau, tau = digamma(s.a) - np.log(s.b), s.a / s.b
        rate = np.exp(s.m + s.v / 2)
        log_p = X.sum() * s.m - len(X) * rate - gammaln(X + 1).sum()
        log_p += (log_tau - np.log(2 * np.pi)) / 2 - tau * (s.m**2 + s.v) / 2
        log_p += A0 * np.log(B0) - gammaln(A0) + (A0 - 1) * log_tau - B0 * tau
        return {
            "log_joint": log_p,
            "entropy_z": np.log(2 * np.pi * np.e * s.v) / 2,
            "entropy_tau": s.a - np.log(s.b) + gammaln(s.a) + (1 - s.a) * digamma(s.a),
        }

    def sample(self, s, factor, rng, n):
        return rng.normal(s.m, np.sqrt(s.v), n) if factor == "z" else rng.gamma(s.a, 1 / s.b, n)

    def log_density(self, s, factor, z):
        if factor == "z":
            return -0.5 * np.log(2 * np.pi * s.v) - (z - s.m) ** 2 / (2 * s.v)
        return s.a * np.log(s.b) - gammaln(s.a) + (s.a - 1) * np.log(z) - s.b * z

    def parameters(self, s, factor):
        return {"m": s.m, "v": s.v} if factor == "z" else {"a": s.a, "b": s.b}

    def with_parameters(self, s, factor, parameters):
        return replace(s, **parameters)


class Gaussian(FreeForm):
    form = {"z": "gaussian"}


class Laplace(Gaussian):
    """The mode and the curvature there: a gaussian, but not the best one."""

    def update(self, s, factor):
        if factor == "tau":
            return super().update(s, factor)
        m, precision = s.m, s.a / s.b
        for _ in range(100):
            m += (X.sum() - len(X) * np.exp(m) - precision * m) / (len(X) * np.exp(m) + precision)
        return replace(s, m=m, v=1 / (len(X) * np.exp(m) + precision))


class TooWide(Gaussian):
    def update(self, s, factor):
        after = super().update(s, factor)
        return replace(after, v=1.6 * after.v) if factor == "z" else after


def definition(report, factor="z"):
    (found,) = [r for r in report.results if (r.check, r.factor) == ("definition", factor)]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_best_gaussian_passes_as_such(seed):
    report = check(Gaussian(), None, log_joint, rng=seed)
    assert report.passed, report.faults
    assert "the optimal one among gaussian densities" in definition(report).sentence
    assert definition(report).error_bound < 0.15
    assert "among" not in definition(report, "tau").sentence


def test_without_its_form_it_is_told_that_optimal_means_among_all_densities():
    """And that it is the best of its own form, if that was meant."""
    report = check(FreeForm(), None, log_joint, rng=1)
    sentence = definition(report).sentence
    assert report.passed is False
    assert "is not the optimal one among all densities" in sentence
    assert "best of its own form" in sentence and "docs/checks.md" in sentence


@pytest.mark.parametrize("wrong", [Laplace, TooWide])
@pytest.mark.parametrize("seed", [1, 2])
def test_another_gaussian_fails(wrong, seed):
    report = check(wrong(), None, log_joint, rng=seed)
    assert "not the optimal one among gaussian densities" in definition(report).sentence
    assert report.faults[0].factor == "z"
    if wrong is TooWide:
        assert "v of its parameters should be smaller" in report.faults[0].message


def test_a_wrong_update_is_not_called_the_best_of_its_form():
    wrong = type("Wrong", (TooWide,), {"form": {}})
    sentence = definition(check(wrong(), None, log_joint, rng=1)).sentence
    assert "among all densities" in sentence and "own form" not in sentence


def test_any_word_is_a_form():
    """The best gamma is the best of all densities here; and half a point less is found."""
    right = type("Right", (Gaussian,), {"form": {"tau": "gamma", "z": "gaussian"}})
    found = definition(check(right(), None, log_joint, rng=1), "tau")
    assert found.decision is Decision.PASSED and found.error_bound < 0.15
    assert "among gamma densities" in found.sentence

    def update(self, s, factor):
        after = super(right, self).update(s, factor)
        return replace(after, a=after.a - 0.5) if factor == "tau" else after

    wrong = type("Wrong", (right,), {"update": update})
    found = definition(check(wrong(), None, log_joint, rng=1), "tau")
    assert found.decision is Decision.FAILED and "a of its parameters should be larger" in found.sentence


def test_where_the_bound_is_infinite_nothing_is_asked_of_updates():
    """exp(1000 m) has no finite expectation in floating point; that is no fault of q(tau)."""
    for seed in range(20):
        faults = check(Gaussian(), None, log_joint, rng=seed, sizes=(1000,)).faults
        assert not [fault for fault in faults if fault.check == "overflow"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (3, "form is 3"),
        ({"mu": "gaussian"}, "form is"),
        ({"z": ""}, "form is"),
        ([("z", "gaussian")], "form is"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(form, words):
    with pytest.raises(InputError, match=words):
        check(type("Odd", (FreeForm,), {"form": form})(), None, log_joint, rng=1)


def test_a_form_needs_parameters():
    missing = property(lambda self: self.no_such_thing)
    bare = type("Bare", (Gaussian,), {"parameters": missing, "with_parameters": missing})
    with pytest.raises(InputError, match=r"q\(z\) states a form.*docs/checks.md"):
        check(bare(), None, log_joint, rng=1)
