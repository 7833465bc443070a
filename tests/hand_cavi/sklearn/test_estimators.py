"""The estimator: scikit-learn's own checks, parity with `BayesianGaussianMixture`, what differs and why."""

import pickle
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from hand_cavi import InputError, NormalGamma, Status
from hand_cavi.ascent.cautions import CautionWarning
from hand_cavi.estimators import BayesianMixture
from hand_cavi.sklearn.estimator_inputs import distinct_points

pytestmark = pytest.mark.filterwarnings("ignore::hand_cavi.ascent.cautions.CautionWarning")

ROOT = Path(__file__).parents[3]
FAITHFUL = np.loadtxt(Path(__file__).parents[1] / "faithful.csv", delimiter=",", skiprows=1)
SETTLED = {"tol": 1e-11, "max_iter": 5000, "random_state": 0}


@parametrize_with_checks(
    [
        BayesianMixture(),
        BayesianMixture(n_components=3, covariance_type="diag", init_params="k-means++", max_iter=1000),
        BayesianMixture(n_components=2, covariance_type="spherical", max_iter=1000),
        BayesianMixture(
            n_components=2,
            n_init=2,
            init_params="random",
            weight_concentration_prior_type="dirichlet_distribution",
            max_iter=1000,
        ),
    ]
)
def test_scikit_learn_s_own_checks(estimator, check):
    """No expected failures; the one check that is skipped needs an array-API backend to be switched on."""
    check(estimator)


def test_a_coarse_tolerance_is_no_saddle():
    """Points without clusters, stopped where the bound rose by less than 1e-3: not at an end, nor accused."""
    x = 3 * np.random.RandomState(0).uniform(size=(20, 3))
    for seed in (7, 16, 17, 40, 61):  # each of which was, before how far a sweep still moves was asked
        options = {"n_components": 2, "n_init": 2, "init_params": "random", "max_iter": 1000}
        prior = "dirichlet_distribution"
        model = BayesianMixture(**options, weight_concentration_prior_type=prior, random_state=seed).fit(x)
        assert model.result_.status is Status.CONVERGED


# ---- parity --------------------------------------------------------------------------------


def dropped_constants(model, n_points):
    """What lower_bound_ leaves out (docs/mathematics.md, 3), for Dirichlet weights and full covariances."""
    k, d = model.means_.shape
    alpha, beta = model.weight_concentration_prior_, model.mean_precision_prior_
    nu, w_inverse = model.degrees_of_freedom_prior_, model.covariance_prior_
    log_b = nu / 2 * np.linalg.slogdet(w_inverse)[1] - nu * d / 2 * np.log(2)  # PRML B.79
    log_b -= d * (d - 1) / 4 * np.log(np.pi) + sum(gammaln((nu - j) / 2) for j in range(d))
    log_c = gammaln(k * alpha) - k * gammaln(alpha)  # PRML B.23
    per_component = d / 2 * np.log(beta) + log_b + d * (d - 1) / 4 * np.log(np.pi)
    return log_c + k * per_component - n_points * d / 2 * np.log(2 * np.pi)


@pytest.mark.parametrize("priors", [{}, {"mean_precision_prior": 0.3, "weight_concentration_prior": 2.0}])
def test_old_faithful_as_scikit_learn_has_it(priors):
    """Same priors by default, same optimum, and the same bound but for the constants."""
    settings = {
        "n_components": 2,
        "weight_concentration_prior_type": "dirichlet_distribution",
        "reg_covar": 0,
        **priors,
        **SETTLED,
    }
    theirs, ours = (
        BayesianGaussianMixture(**settings).fit(FAITHFUL),
        BayesianMixture(**settings).fit(FAITHFUL),
    )
    assert ours.lower_bound_ == pytest.approx(
        theirs.lower_bound_ + dropped_constants(theirs, len(FAITHFUL)), rel=1e-9
    )
    order = np.argsort(ours.weights_), np.argsort(theirs.weights_)
    for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        mine, yours = (getattr(m, name)[o] for m, o in zip((ours, theirs), order, strict=True))
        np.testing.assert_allclose(mine, yours, rtol=1e-5, atol=1e-9, err_msg=name)
    for name in ("weight_concentration_", "mean_precision_", "degrees_of_freedom_"):
        mine, yours = (getattr(m, name)[o] for m, o in zip((ours, theirs), order, strict=True))
        np.testing.assert_allclose(mine, yours, rtol=1e-5, err_msg=name)
    for name in (
        "weight_concentration_prior_",
        "mean_precision_prior_",
        "mean_prior_",
        "degrees_of_freedom_prior_",
        "covariance_prior_",
    ):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-10, err_msg=name)
    mine, yours = (m.predict_proba(FAITHFUL)[:, o] for m, o in zip((ours, theirs), order, strict=True))
    np.testing.assert_allclose(mine, yours, atol=1e-5)


def test_the_constructor_is_scikit_learn_s():
    assert BayesianMixture().get_params() == BayesianGaussianMixture().get_params()


def test_fitted_attributes_are_scikit_learn_s():
    """All public ones, of the same shapes."""
    for kind in ("full", "diag", "spherical"):
        settings = {"n_components": 3, "covariance_type": kind, **SETTLED}
        theirs, ours = (cls(**settings).fit(FAITHFUL) for cls in (BayesianGaussianMixture, BayesianMixture))
        names = [name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")]
        assert set(names) <= set(vars(ours))
        for name in names:
            if name != "lower_bounds_":
                assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name)), name


# ---- what differs --------------------------------------------------------------------------


def test_the_bound_is_a_bound_and_never_falls():
    model = BayesianMixture(n_components=4, **SETTLED).fit(FAITHFUL)
    assert model.lower_bounds_[-1] == model.lower_bound_ == model.result_.elbo
    assert len(model.lower_bounds_) == model.n_iter_
    assert np.all(np.diff(model.lower_bounds_) > -1e-9)
    one = BayesianMixture(**SETTLED).fit(FAITHFUL)  # with one component the bound is the evidence
    prior = one.result_.mixture.components
    exact = prior.log_marginal(prior.statistics(FAITHFUL).sum(0), prior.log_base(FAITHFUL).sum())
    assert one.lower_bound_ == pytest.approx(float(exact), abs=1e-8)


def test_sticks_end_with_one_that_is_known():
    model = BayesianMixture(n_components=3, **SETTLED).fit(FAITHFUL)
    broken, kept = model.weight_concentration_
    stick = broken / (broken + kept)
    assert stick[-1] == 1
    np.testing.assert_allclose(model.weights_, stick * np.cumprod([1, *(1 - stick[:-1])]), rtol=1e-12)
    assert model.weights_.sum() == pytest.approx(1, rel=1e-12)


def test_diagonal_covariances_are_gammas():
    model = BayesianMixture(n_components=2, covariance_type="diag", reg_covar=0, **SETTLED).fit(FAITHFUL)
    prior = model.result_.mixture.components
    assert isinstance(prior, NormalGamma)
    np.testing.assert_allclose(prior.rate, np.var(FAITHFUL, axis=0, ddof=1) / 2)
    assert prior.shape == 1.0  # nu / 2 with nu = D
    q = model.result_.components
    np.testing.assert_allclose(model.precisions_, q.shape[:, None] / q.rate)
    np.testing.assert_allclose(model.covariances_ * model.precisions_, 1)


def test_precision_factors():
    model = BayesianMixture(n_components=2, **SETTLED).fit(FAITHFUL)
    for covariance, precision, factor in zip(
        model.covariances_, model.precisions_, model.precisions_cholesky_, strict=True
    ):
        np.testing.assert_allclose(covariance @ precision, np.eye(2), atol=1e-9)
        np.testing.assert_allclose(factor @ factor.T, precision, rtol=1e-12)
        assert np.all(np.tril(factor, -1) == 0)
    q = model.result_.components
    expected = q.degrees_of_freedom[:, None, None] * np.linalg.inv(q.scale_inverse)
    np.testing.assert_allclose(model.precisions_, expected, rtol=1e-9)


def test_the_score_is_a_density():
    """It sums to 1 on a fine grid; scikit-learn's plugged-in one need not."""
    x = FAITHFUL[:, :1]
    model = BayesianMixture(n_components=2, **SETTLED).fit(x)
    grid = np.linspace(-300, 300, 600_001)[:, None]
    assert np.exp(model.score_samples(grid)).sum() * 1e-3 == pytest.approx(1, abs=1e-4)
    assert model.score(x) == pytest.approx(model.score_samples(x).mean())


def test_points_drawn_are_labelled():
    model = BayesianMixture(n_components=2, **SETTLED).fit(FAITHFUL)
    x, label = model.sample(4000)
    assert x.shape == (4000, 2)
    assert np.mean(label == model.predict(x)) > 0.97
    np.testing.assert_array_equal(x, model.sample(4000)[0])


# ---- weights, starts, going on ---------------------------------------------------------------


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random", "random_from_data"])
def test_only_the_weighted_set_of_points_matters(init_params):
    rng = np.random.default_rng(120)
    weight = rng.integers(0, 4, len(FAITHFUL))
    model = BayesianMixture(n_components=3, init_params=init_params, n_init=2, **SETTLED)
    weighted = clone(model).fit(FAITHFUL, sample_weight=weight)
    repeated = clone(model).fit(rng.permutation(np.repeat(FAITHFUL, weight, axis=0)))
    assert weighted.lower_bound_ == repeated.lower_bound_
    np.testing.assert_array_equal(weighted.predict(FAITHFUL), repeated.predict(FAITHFUL))


def test_distinct_points():
    x = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [5.0, 5.0], [0.0, 4.0]])
    points, weight = distinct_points(x, np.array([1.0, 2.0, 0.5, 0.0, 1.0]))
    np.testing.assert_array_equal(points, [[1, 2], [0, 3], [0, 4]])
    np.testing.assert_array_equal(weight, [1.5, 2, 1])


def test_fewer_distinct_points_than_components():
    x = np.repeat([[0.0, 0.0], [5.0, 5.0], [0.0, 5.0]], 4, axis=0)
    for init_params in ("kmeans", "k-means++", "random", "random_from_data"):
        model = BayesianMixture(n_components=6, init_params=init_params, **SETTLED).fit(x)
        assert np.isfinite(model.lower_bound_)


def test_warm_start_goes_on_where_it_stopped():
    whole = BayesianMixture(n_components=3, random_state=0, tol=0, max_iter=12)
    parts = clone(whole).set_params(max_iter=4, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole.fit(FAITHFUL)
        traces = [parts.fit(FAITHFUL).lower_bounds_ for _ in range(3)]
    np.testing.assert_allclose(np.concatenate(traces), whole.lower_bounds_, rtol=1e-10)
    assert parts.set_params(n_components=2, max_iter=500, tol=1e-3).fit(FAITHFUL).means_.shape == (2, 2)


def test_a_fit_that_ended_at_a_saddle_says_so(monkeypatch):
    module = "hand_cavi.sklearn.bayesian_mixture.starting_responsibilities"
    monkeypatch.setattr(module, lambda points, *_: np.full((len(points), 2), 0.5))
    with pytest.warns(ConvergenceWarning, match="saddle.*change random_state, init_params or n_init"):
        model = BayesianMixture(n_components=2, weight_concentration_prior_type="dirichlet_distribution").fit(
            FAITHFUL
        )
    assert not model.converged_


def test_a_fit_that_did_not_converge_says_so():
    with pytest.warns(ConvergenceWarning, match="maximum of sweeps"):
        model = BayesianMixture(n_components=3, max_iter=2, random_state=0).fit(FAITHFUL)
    assert not model.converged_
    assert model.n_iter_ == 2


def test_empty_and_overlapping_components_are_told():
    with pytest.warns(CautionWarning) as told:
        model = BayesianMixture(n_components=4, **SETTLED).fit(FAITHFUL)
    assert (model.result_.counts < 0.5).sum() == 2
    assert model.cautions_ == ("components 3 and 4 hold no points: their figures are the prior's",)
    assert [str(one.message) for one in told] == [f"{model.cautions_[0]} (counted from 1)"]
    assert told[0].filename == __file__
    with pytest.warns(CautionWarning, match="components 1 and 2 overlap: their mean-field standard"):
        BayesianMixture(n_components=2, **SETTLED).fit(np.random.default_rng(0).normal(size=(100, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert BayesianMixture(n_components=2, **SETTLED).fit(FAITHFUL).cautions_ == ()


def test_verbose_prints_the_bound(capsys):
    BayesianMixture(n_components=2, verbose=1, verbose_interval=5, **SETTLED).fit(FAITHFUL)
    assert "sweep 5: lower bound -" in capsys.readouterr().out


# ---- in company ------------------------------------------------------------------------------


def test_in_a_pipeline_a_grid_search_and_a_pickle():
    pipeline = make_pipeline(StandardScaler(), BayesianMixture(**SETTLED))
    search = GridSearchCV(pipeline, {"bayesianmixture__n_components": [1, 2]}, cv=3).fit(FAITHFUL)
    assert search.best_params_ == {"bayesianmixture__n_components": 2}
    best = search.best_estimator_
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(best)).predict(FAITHFUL), best.predict(FAITHFUL))


def test_the_example_runs(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # scikit-learn's, of the model to be replaced
        runpy.run_path(str(ROOT / "examples" / "drop_in.py"))
    said = capsys.readouterr().out
    assert "chosen K = 2" in said
    assert "<= log p(data | model)" in said


def test_the_rest_imports_without_scikit_learn():
    code = "import sys; sys.modules['sklearn'] = sys.modules['sklearn.base'] = None; import hand_cavi\n"
    code += "try:\n    import hand_cavi.estimators\nexcept ImportError as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "elbowroom[sklearn]" in done.stdout
    code = "import sys, hand_cavi; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"


# ---- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"covariance_type": "tied"}, "'tied'.*not independent.*use 'full', 'diag' or 'spherical'"),
        ({"covariance_type": "spherical", "covariance_prior": [1.0, 2.0]}, r"shape \(2,\).*needs a number"),
        ({"mean_prior": [0.0]}, r"mean_prior has shape \(1,\)"),
        ({"covariance_prior": np.eye(3)}, r"covariance_prior has shape \(3, 3\)"),
        ({"covariance_prior": [[1.0, 2.0], [2.0, 1.0]]}, "not positive definite"),
        ({"degrees_of_freedom_prior": 1.0}, "need more than 1"),
    ],
)
def test_bad_priors(settings, says):
    with pytest.raises(InputError, match=says):
        BayesianMixture(**settings).fit(FAITHFUL)


def test_a_singular_covariance_needs_help():
    x = np.column_stack([FAITHFUL[:, 0], np.ones(len(FAITHFUL))])
    for kind in ("full", "diag"):
        with pytest.raises(InputError, match="singular.*reg_covar = 0"):
            BayesianMixture(covariance_type=kind, reg_covar=0).fit(x)
        assert np.isfinite(BayesianMixture(covariance_type=kind, n_components=2).fit(x).lower_bound_)


def test_weights_that_make_up_a_single_point():
    share = np.full(len(FAITHFUL), 1 / len(FAITHFUL))
    with pytest.raises(InputError, match="no more than one point"):
        BayesianMixture().fit(FAITHFUL, sample_weight=share * 0.99)
    model = BayesianMixture(covariance_prior=np.eye(2)).fit(FAITHFUL, sample_weight=share * 0.99)
    assert np.isfinite(model.lower_bound_)


def test_not_fitted():
    with pytest.raises(NotFittedError):
        BayesianMixture().sample()


# ---- criteria and frames -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_bic_and_aic_are_those_of_scikit_learn_s_mixture_with_the_same_parameters(kind):
    ours = BayesianMixture(n_components=3, covariance_type=kind, **SETTLED).fit(FAITHFUL)
    theirs = GaussianMixture(n_components=3, covariance_type=kind)
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        setattr(theirs, name, getattr(ours, name))
    assert ours.bic(FAITHFUL) == pytest.approx(theirs.bic(FAITHFUL), rel=1e-12)
    assert ours.aic(FAITHFUL) == pytest.approx(theirs.aic(FAITHFUL), rel=1e-12)
    # No parameters have a higher likelihood than those that maximise it.
    best = GaussianMixture(3, covariance_type=kind, n_init=20, tol=1e-9, max_iter=2000, random_state=0)
    assert ours.bic(FAITHFUL) > best.fit(FAITHFUL).bic(FAITHFUL)
    with pytest.raises(NotFittedError):
        BayesianMixture().bic(FAITHFUL)


def test_bic_of_faithful_chooses_two():
    found = [BayesianMixture(n_components=k, n_init=5, **SETTLED).fit(FAITHFUL) for k in (1, 2, 3)]
    assert min(range(3), key=lambda i: found[i].bic(FAITHFUL)) == 1


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_go_in_and_come_out(library):
    frames = pytest.importorskip(library)
    x = frames.DataFrame({"eruption": FAITHFUL[:, 0], "waiting": FAITHFUL[:, 1]})
    model = BayesianMixture(n_components=2, **SETTLED).set_output(transform=library)
    out = model.fit_transform(x)
    assert type(out) is frames.DataFrame
    assert (
        list(out.columns) == ["bayesianmixture0", "bayesianmixture1"] == list(model.get_feature_names_out())
    )
    assert list(model.feature_names_in_) == ["eruption", "waiting"]
    np.testing.assert_array_equal(out.to_numpy(), model.predict_proba(x))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(x[["waiting", "eruption"]])


def test_responsibilities_are_features_of_what_follows():
    x = pd.DataFrame(FAITHFUL, columns=["eruption", "waiting"])
    pipeline = make_pipeline(StandardScaler(), BayesianMixture(n_components=2, **SETTLED)).set_output(
        transform="pandas"
    )
    out = pipeline.fit_transform(x)
    assert list(out.columns) == ["bayesianmixture0", "bayesianmixture1"]
    assert out.index.equals(x.index) and np.allclose(out.sum(axis=1), 1)


def test_the_page_runs_as_it_says(capsys):
    text = (ROOT / "docs" / "scikit-learn.md").read_text("utf-8")
    space: dict[str, object] = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(code, "docs/scikit-learn.md", "exec"), space)
    out = capsys.readouterr().out
    figures = [line.split() for line in out.splitlines() if re.match(r"[123] -", line)]
    bound, bic, aic = np.array(figures, dtype=float).T[1:]
    assert bound.argmax() == bic.argmin() == 1 and aic.argmin() > 0
    assert "bayesianmixture1" in out
    means = np.sort(space["stream"].means_[:, 0])
    assert np.all(np.abs(means - [2.0, 4.3]) < 0.3)
