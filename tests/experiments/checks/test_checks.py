"""The checker finds what is planted, names the right factor, and leaves correct derivations alone.

Each correct derivation has a false alarm with probability 0.5 % at most, and seeds are fixed.
"""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from experiments.checks import BOUND, Decision, MixtureLogJoint, check, from_pymc
from experiments.checks.loading import _from_file, load_derivations, shipped, skeleton
from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    StickBreaking,
)
from hand_cavi.derivation import AscentStatus, ascend
from hand_cavi.mixture_derivation import MixtureDerivation
from hand_cavi.numerics.space import Space

X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
TEXTBOOK = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)
GAMMA = Mixture(NormalGamma(0.3, 0.4, 3.5, 2.2), FixedWeights(), 2)


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    path = tmp_path_factory.mktemp("skeleton") / "my_own_model.py"
    path.write_text(skeleton())
    return _from_file(path)


def names(report):
    return {(fault.check, fault.factor) for fault in report.faults}


@pytest.mark.parametrize(
    "name", ["mixture:normal_known_variance+fixed", "mixture:gamma_poisson+stick_breaking"]
)
def test_a_shipped_derivation_passes(name):
    ((_, derivation, log_joint),) = load_derivations(name, None)
    report = check(derivation, None, log_joint, rng=1)
    assert report.passed, report.faults


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_responsibilities_that_are_rounded_to_zero_are_no_fault(seed):
    """Groups so far apart that some ln r are near -1800; the ratios of the others must stay as they are."""
    x = np.array([-60.0, -59, -58.5, -61, 60, 61, 62, 59.5])
    mixture = Mixture(NormalKnownVariance(0.0, 2500.0), StickBreaking(1.3), 3)
    report = check(MixtureDerivation(mixture, x), None, MixtureLogJoint(mixture, x), rng=seed)
    assert report.passed, report.faults


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_every_shipped_derivation_passes(name):
    ((_, derivation, log_joint),) = load_derivations(name, None)
    report = check(derivation, None, log_joint, rng=2)
    assert report.passed is not False, report.faults


def test_the_skeleton_passes_and_is_short(mine):
    report = check(mine.Derivation, None, mine.log_joint, rng=1)
    assert report.passed
    assert len(skeleton().splitlines()) <= 66
    of_updates = [r.error_bound for r in report.results if r.check in ("definition", "elbo")]
    assert max(of_updates) < 1e-4  # nats: without parameters it would be about 0.05
    assert {r.check for r in report.results if r.decision is Decision.SKIPPED} == {"symmetry"}
    assert ascend(mine.Derivation(), 1).status is AscentStatus.CONVERGED


# ---- planted faults -------------------------------------------------------------------------


class LeavesOutTheVariance(MixtureDerivation):
    """r_ik without s_k^2."""

    def update(self, state, factor):
        if factor != "assignments":
            return super().update(state, factor)
        q = state.ascent.components
        certain = replace(q, variance=np.full_like(q.variance, 1e-12))
        after = super().update(replace(state, ascent=replace(state.ascent, components=certain)), factor)
        return replace(after, ascent=replace(after.ascent, components=q))


class WrongPrior(MixtureDerivation):
    """The prior's precision for its variance."""

    def update(self, state, factor):
        if factor != "components":
            return super().update(state, factor)
        wrong = replace(self.task.components, variance=1 / self.task.components.variance)
        return replace(
            state, ascent=replace(state.ascent, components=wrong.updated(state.ascent.assignments.sums))
        )


class TurnedEntropy(MixtureDerivation):
    def elbo(self, state):
        terms = super().elbo(state)
        return terms | {"entropy_assignments": -terms["entropy_assignments"]}


class ForgottenConstant(MixtureDerivation):
    """Dropped -ln K."""

    def elbo(self, state):
        return super().elbo(state) | {"log_assignments": 0.0}


class WideSampler(MixtureDerivation):
    def sample(self, state, factor, rng, n):
        draws = super().sample(state, factor, rng, n)
        if factor == "components":
            centre = draws["mu"].mean(axis=0)
            return draws | {"mu": centre + 1.4 * (draws["mu"] - centre)}
        return draws


class OneShortOfTheShape(MixtureDerivation):
    """a + N_k / 2 - 1/2: half a point forgotten."""

    def update(self, state, factor):
        after = super().update(state, factor)
        if factor != "components":
            return after
        q = after.ascent.components
        return replace(after, ascent=replace(after.ascent, components=replace(q, shape=q.shape - 0.5)))


@pytest.mark.parametrize(
    ("mutant", "mixture", "culprit"),
    [
        (LeavesOutTheVariance, TEXTBOOK, ("definition", "assignments")),
        (WrongPrior, TEXTBOOK, ("definition", "components")),
        (TurnedEntropy, TEXTBOOK, ("elbo", BOUND)),
        (ForgottenConstant, TEXTBOOK, ("elbo", BOUND)),
        (WideSampler, TEXTBOOK, ("density", "components")),
        (OneShortOfTheShape, GAMMA, ("definition", "components")),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_planted_fault_is_found_and_named(mutant, mixture, culprit, seed):
    report = check(mutant(mixture, X), None, MixtureLogJoint(mixture, X), rng=seed)
    assert report.passed is False
    assert names(report) == {culprit}


def test_a_term_is_named():
    report = check(ForgottenConstant(TEXTBOOK, X), None, MixtureLogJoint(TEXTBOOK, X), rng=1)
    assert '"log_assignments"' in report.faults[0].message
    assert "5.55 nats above" in report.faults[0].message  # N ln K


def test_the_direction_is_told(mine):
    class Narrow(mine.Derivation):
        def update(self, s, factor):
            after = super().update(s, factor)
            return replace(after, v=after.v / 4) if factor == "mu" else after

    report = check(Narrow, None, mine.log_joint, rng=1)
    (fault,) = report.faults
    assert (fault.check, fault.factor) == ("definition", "mu")
    assert "too narrow in mu" in fault.message


# ---- bad input ------------------------------------------------------------------------------


def spoilt(mine, **methods):
    return type("Spoilt", (mine.Derivation,), methods)()


def _nan(self, s, factor):
    return replace(s, v=np.nan)


def _in_place(self, s, factor):
    object.__setattr__(s, "m", s.m + 1)
    return s


def _own_randomness(self, s, factor, rng, n):
    return np.random.default_rng(3).gamma(2.0, size=n)


def _in_the_draws(self, s, factor, z):
    z += 1.0
    return z


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"sample": None}, ["lacks sample"]),
        ({"update": _nan}, ['"mu"', "nan"]),
        ({"update": _in_place}, ['"mu"', "changes the state"]),
        ({"sample": _own_randomness}, ['"mu"', "ignores its generator"]),
        ({"log_density": lambda self, s, f, z: 0.0}, ['"mu"', "shape ()"]),
        ({"sample": lambda self, s, f, rng, n: rng.normal(size=n + 1)}, ['"mu"', "leading axis"]),
        ({"elbo": lambda self, s: {"all": np.nan}}, ['"all"', "finite"]),
        ({"factors": ("mu",)}, ["'tau'", "names must agree"]),
        ({"log_density": _in_the_draws}, ['"mu"', "changes the values"]),
        ({"with_parameters": property(lambda self: self.missing)}, ["parameters", "both or none"]),
        ({"parameters": lambda self, s, f: {"m": s.n}, "with_parameters": None}, ['parameters(state, "mu")']),
    ],
)
def test_bad_derivations_get_a_sentence(mine, methods, words):
    with pytest.raises(InputError) as error:
        check(spoilt(mine, **methods), None, mine.log_joint, rng=1)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_log_joint_of_minus_infinity_names_the_factor(mine):
    def cut(values):
        return np.where(values["tau"] > 1e9, mine.log_joint(values), -np.inf)

    with pytest.raises(InputError, match="infinite at draws of the factor"):
        check(mine.Derivation(), None, cut, rng=1)


def test_a_log_joint_that_changes_its_values_is_refused(mine):
    def careless(values):
        values["tau"] *= 2
        return mine.log_joint(values)

    with pytest.raises(InputError, match="changes the values that it was given"):
        check(mine.Derivation(), None, careless, rng=1)


def test_a_refusal_of_the_log_joint_is_told_in_its_own_words(mine):
    def refuses(values):
        raise InputError("these values are not for me")

    with pytest.raises(InputError, match="^these values are not for me$"):
        check(mine.Derivation(), None, refuses, rng=1)


def test_names_are_listed_side_by_side():
    log_joint = MixtureLogJoint(TEXTBOOK, X)
    log_joint.variables = ("mean", "assignments")
    with pytest.raises(InputError, match=r"only the factors have mu .*only the model has mean"):
        check(MixtureDerivation(TEXTBOOK, X), None, log_joint, rng=1)


# ---- the log joint density of a PyMC model -----------------------------------------------------


@pytest.mark.slow
def test_a_pymc_model_has_the_same_log_joint_density_with_its_discrete_variables():
    """At arbitrary values, not draws of a posterior. Both are normalised, so that they differ by rounding:

    PyTensor folds ln Gamma(3.5), a constant, in single precision.
    """
    import pymc as pm

    mixture = Mixture(NormalGamma(0.3, 0.4, 3.5, 2.2), DirichletWeights(1.3), 2)
    with pm.Model() as model:
        weights = pm.Dirichlet("weights", a=np.full(2, 1.3))
        precision = pm.Gamma("precision", alpha=3.5, beta=2.2, shape=(2, 1))
        mu = pm.Normal("mu", mu=0.3, tau=0.4 * precision, shape=(2, 1))
        assignments = pm.Categorical("assignments", p=weights, shape=len(X))
        pm.Normal("x", mu=mu[assignments, 0], tau=precision[assignments, 0], observed=X)
    rng, n = np.random.default_rng(5), 40
    values = {
        "weights": rng.dirichlet([1.0, 2.0], n),
        "precision": rng.gamma(2.0, size=(n, 2, 1)),
        "mu": rng.normal(0.0, 3.0, (n, 2, 1)),
        "assignments": rng.integers(0, 2, (n, len(X))),
    }
    compiled = from_pymc(model)
    assert set(compiled.variables) == set(values) and len(model.free_RVs) == 4
    difference = compiled(values) - MixtureLogJoint(mixture, X)(values)
    assert abs(difference.mean()) < 1e-6 and np.ptp(difference) < 1e-9
    parts = compiled.terms(values)
    assert set(parts) == {*values, "x"} and all(part.shape == (n,) for part in parts.values())


# ---- pieces ---------------------------------------------------------------------------------


def test_free_coordinates_come_back_with_their_jacobian():
    rng = np.random.default_rng(1)
    root = rng.standard_normal((400, 2, 2, 2))
    examples = {
        "real": rng.standard_normal((400, 2)),
        "positive": rng.gamma(2.0, 3.0, (400, 2)),
        "unit": rng.beta(2.0, 3.0, 400),
        "simplex": rng.dirichlet([1.0, 2.0, 3.0], (400, 2)),
        "matrix": root @ np.swapaxes(root, -1, -2) + 0.1 * np.eye(2),
    }
    for name, values in examples.items():
        space = Space.of({name: values})
        assert space.variables[0].kind == name
        u = space.unconstrain({name: values[:3]})
        back, log_jacobian = space.constrain(u)
        np.testing.assert_allclose(back[name], values[:3], rtol=1e-9)

        def flat(u, space=space, name=name):
            z = space.constrain(u[np.newaxis])[0][name][0]
            if name == "simplex":
                return z[..., :-1].ravel()
            if name == "matrix":
                row, column = np.tril_indices(2)
                return z[..., row, column].ravel()
            return z.ravel()

        step = 1e-6 * np.eye(u.shape[1])
        jacobian = np.array([(flat(u[0] + e) - flat(u[0] - e)) / 2e-6 for e in step])
        np.testing.assert_allclose(np.linalg.slogdet(jacobian)[1], log_jacobian[0], atol=1e-6)


def test_a_report_is_plain_data():
    report = check(MixtureDerivation(TEXTBOOK, X), None, MixtureLogJoint(TEXTBOOK, X), rng=3)
    assert report.summary()["passed"] is True
    assert {r["decision"] for r in report.summary()["results"]} <= {d.value for d in Decision}
    assert dataclasses.is_dataclass(report)
