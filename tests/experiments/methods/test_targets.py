"""What methods are given: mixtures and models of a user's own answer alike, and travel to workers."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.config.plugins import find, names
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.own.own_target import OwnTarget
from experiments.methods.score import score
from experiments.methods.step_gain import with_step_gain
from experiments.posterior.draws import as_arrays
from experiments.records import Problem, Told
from experiments.studies import fitting
from hand_cavi import DirichletWeights, FixedWeights, InputError, Mixture, NormalKnownVariance
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.transforms import Identity, Log
from ppl_baselines.unconstrained import Coordinates, Span
from tests.experiments.faults import mean_field

EXAMPLES = Path(__file__).parents[3] / "examples" / "bring_your_own"
X = np.array([[-2.1], [-1.7], [1.4], [2.3]])


def target(variance=25.0, x=X, weights=None, k=2):
    return MixtureTarget(
        Problem(Mixture(NormalKnownVariance(0.0, variance), weights or FixedWeights(), k), x)
    )


def gaussian(means, sds, transforms):
    spans = [Span(n, n, i, i + 1, (), t) for i, (n, t) in enumerate(transforms.items())]
    return GaussianApproximation(np.array(means), np.diag(sds), Coordinates(tuple(spans)))


def test_a_structure_is_the_prior_and_the_number_of_features_and_no_data():
    assert target().structure == target(x=2 * X[:3]).structure
    others = [target(26.0), target(x=np.tile(X, 2)), target(k=3), target(weights=DirichletWeights(1.0))]
    assert len({target().structure, *(other.structure for other in others)}) == 5


def test_what_a_methods_number_depends_on_is_in_its_key_with_its_target():
    for package in ("methods", "own methods"):
        codes = {tuple(fitting.method_code(package, kind)) for kind in names(package)}
        assert len(codes) == len(names(package))
    assert fitting.method_code("methods", "advi") != fitting.method_code("own methods", "advi")


@pytest.mark.parametrize("package", ["methods", "own methods"])
def test_an_edit_of_what_runs_a_method_or_of_its_target_changes_its_key(package, monkeypatch):
    code, before = fitting.fingerprint.code, fitting.method_code(package, "advi")
    for edited in (fitting.__name__, fitting.TARGETS[package]):
        other = lambda module, edited=edited: "other" if module == edited else code(module)  # noqa: E731
        monkeypatch.setattr(fitting.fingerprint, "code", other)
        assert fitting.method_code(package, "advi") != before


def test_own_methods_are_found_by_their_files_and_helpers_are_none():
    assert names("own methods") == [
        "advi",
        "cavi",
        "cavi_is",
        "dadvi",
        "fullrank_advi",
        "laplace",
        "nuts",
        "pathfinder",
    ]
    for name in names("own methods"):
        assert find("own methods", name)
    with pytest.raises(InputError, match="unknown"):
        find("own methods", "variables")


def test_a_step_on_is_looked_at_whatever_the_target():
    """A q off by a shift of 0.8 sds has lost 0.8^2 / 2 nats to N(0, 1); one step finds them."""
    given = SimpleNamespace(log_joint=lambda draws: -0.5 * draws["mu"][:, 0, 0] ** 2)
    q = mean_field(np.array([0.8]), np.array([1.0]))
    told = with_step_gain(Told(starts=3, step_gain=0.0), q, given.log_joint, 1)
    assert told.starts == 3
    assert abs(told.step_gain - 0.32) < 5 * told.step_gain_se < 0.1
    assert with_step_gain(Told(), "no Gaussian", given.log_joint, 1) == Told()


# ---- models of a user's own --------------------------------------------------------------------


def test_an_own_target_is_a_name_and_nothing_else_travels():
    own = OwnTarget("normal:problem", EXAMPLES)
    assert own.problem.about_data  # loaded here
    again = pickle.loads(pickle.dumps(own))
    assert again == own and vars(again) == {"name": "normal:problem", "folder": EXAMPLES}
    assert own.content()["model"] == "normal:problem"
    assert own.structure is None and own.data == {} and own.symmetrise(None, {}) is None


@pytest.mark.slow
def test_an_own_q_is_scored_by_the_users_own_joint_density():
    """The example states its log joint once more, in numpy; and what is compared stands beside the draws."""
    own = OwnTarget("normal:problem", EXAMPLES)
    q = gaussian([5.4, 0.0], [0.3, 0.2], {"mu": Identity(), "tau": Log()})
    tree = score(own, q, rng=np.random.default_rng(1), n=50)
    draws, stats = as_arrays(tree), as_arrays(tree, "sample_stats")
    np.testing.assert_allclose(stats["log_joint"], sys.modules["normal"].log_joint(draws), rtol=1e-12)
    np.testing.assert_allclose(stats["log_q"], q.log_density(draws))
    assert list(stats) == ["log_joint", "log_q"]
    elsewhere = replace(own, name="there_is_no_such_module:problem")
    assert list(elsewhere.quantities(tree)) == ["mu", "tau"]
    np.testing.assert_array_equal(elsewhere.quantities(tree)["mu"][0], draws["mu"])


MODELS = """
import numpy as np
import pymc as pm
from experiments.custom import CustomProblem
from normal import Derivation

def problem_of(model):
    return lambda: CustomProblem(derivation=Derivation(), model=model)

def nothing():
    with pm.Model() as model:
        pm.Normal("x", 0, 1, observed=np.zeros(3))
    return model

def discrete():
    with pm.Model() as model:
        pm.Bernoulli("mu", 0.5)
    return model

def other():
    with pm.Model() as model:
        pm.Normal("theta", 0, 1)
    return model

raises, number = problem_of(lambda: 1 / 0), problem_of(lambda: 3)
nothing, discrete, other = problem_of(nothing), problem_of(discrete), problem_of(other)
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", r"model\(\) failed: ZeroDivisionError"),
        ("number", r"model\(\) returned an object of type int; it must be a pm.Model"),
        ("nothing", "has no free variables"),
        ("discrete", "has the discrete variables mu, which ADVI and NUTS cannot take"),
        ("other", "the PyMC model has the variables theta"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_before_anything_is_compiled(tmp_path, name, said):
    OwnTarget("normal:problem", EXAMPLES).problem  # noqa: B018  (puts the example's folder on the path)
    module = f"models_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(MODELS)
    with pytest.raises(InputError, match=said):
        OwnTarget(f"{module}:{name}", tmp_path).pymc_model()
