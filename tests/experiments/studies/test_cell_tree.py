"""Draws as ArviZ wants them: its functions run on CAVI's as on a sampler's, and the figures are right."""

import csv
import re
import shutil
from pathlib import Path

import arviz as az
import matplotlib
import numpy as np
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm, poisson

from experiments.engine import runner
from experiments.engine.store.cleaning import remove_waste, waste_in
from experiments.engine.store.merging import merge
from experiments.engine.workers.executors import executor
from experiments.posterior.draws import as_arrays, as_tree
from experiments.records import Condensation, Problem
from experiments.relabel.datatree import datatree
from experiments.studies.cell_tree import tree_of_cell
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance, fit
from tests.experiments.engine.test_runner import CAVI, config, odd
from tests.experiments.engine.test_runner import run as run_in
from tests.experiments.family_cases import CASES, FAMILIES, WEIGHTS

DOCS = Path(__file__).parents[3] / "docs" / "arviz.md"
GIBBS = 'name = "gibbs"\ndraws = 500\ntune = 200'
NUTS = 'name = "nuts"\ndraws = 200\ntune = 200\nchains = 2'
GROUPS = {"posterior", "sample_stats", "log_likelihood", "posterior_predictive", "observed_data", "prior"}


@pytest.fixture(scope="module", autouse=True)
def quietly():
    """Draw nothing on a screen; tasks run in this process."""
    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "executor", lambda on, workers, on_start=None: executor("serial", 1, on_start))
        yield
    matplotlib.use(backend)


def run(text, folder):
    """Run it with so many points that leaving out one is no great matter."""
    return run_in(text.replace("n = 8", "n = 60"), folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here") / "studies" / "trial"
    return run(config(CAVI, GIBBS, odd("fail")), folder)


def tree_of(study, method, **options):
    (problem,) = study.problems
    (cell,) = (cell for cell in problem.cells if cell.cell.method == method)
    return tree_of_cell(problem, cell, versions=study.versions, **options)


@pytest.fixture(scope="module")
def trees(study):
    return {method: tree_of(study, method) for method in ("cavi", "gibbs")}


def small(family, weights="dirichlet", n=30, n_draws=40):
    """Return a problem of two features and draws of its posterior."""
    rng = np.random.default_rng(4)
    case = CASES[family]
    x = case.data(rng, np.arange(n)[:, np.newaxis] % 2 == 0)
    mixture = Mixture(case.prior, WEIGHTS[weights], 2)
    return Problem(mixture, x), fit(mixture, x, rng=1).sample(rng, n_draws)


def log_density(family, x, draws, s, k):
    """Return log p(x_i | theta_k) of draw s, (N,), by scipy."""
    theta = {name: values[s, k] for name, values in draws.items() if name != "weights"}
    if family == "normal_known_variance":
        return norm.logpdf(x, theta["mu"], np.sqrt(0.5)).sum(axis=1)
    if family == "normal_gamma":
        return norm.logpdf(x, theta["mu"], theta["precision"] ** -0.5).sum(axis=1)
    if family == "normal_wishart":
        return multivariate_normal.logpdf(x, theta["mu"], np.linalg.inv(theta["precision"]))
    if family == "gamma_poisson":
        return poisson.logpmf(x, theta["rate"]).sum(axis=1)
    return np.log([theta["probability"][[0, 1], row] for row in x.astype(int)]).sum(axis=1)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_log_likelihoods_are_those_of_the_mixture_with_its_component_summed_out(family, weights):
    problem, draws = small(family, weights, n_draws=3)
    found = datatree(draws, problem, raw=True)["log_likelihood"]["point"].to_numpy()[0]
    pi = draws.get("weights", np.full((3, 2), 0.5))
    for s in range(3):
        by_hand = [np.log(pi[s, k]) + log_density(family, problem.x, draws, s, k) for k in range(2)]
        np.testing.assert_allclose(found[s], logsumexp(by_hand, axis=0), rtol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_new_data_have_the_share_of_their_draw(family):
    """Share of new points beyond the data's median, by draw, against the mixture's own: a z of 5 at most."""
    problem, draws = small(family, n=400, n_draws=20)
    tree = datatree(draws, problem, features=["a", "b"])
    named = as_arrays(tree)
    new = tree["posterior_predictive"]["a"].to_numpy()[0]
    cut = np.median(problem.x[:, 0])
    rng = np.random.default_rng(0)
    for s in range(20):
        theta = {name: values[s] for name, values in named.items()}
        many = problem.mixture.components.sample_data(rng, theta, np.repeat([0, 1], 20_000))[:, 0] > cut
        expected = named["weights"][s] @ [many[:20_000].mean(), many[20_000:].mean()]
        error = np.sqrt(expected * (1 - expected) * (1 / 400 + 1 / 20_000)) + 1e-9
        assert abs((new[s] > cut).mean() - expected) < 5 * error
    again = datatree(draws, problem, features=["a", "b"])
    assert again.identical(tree)
    other = datatree(draws, problem, features=["a", "b"], seed=1)["posterior_predictive"]
    assert not other["a"].equals(tree["posterior_predictive"]["a"])


def test_the_prior_is_the_prior():
    """By the first feature's mean, N(0, 9): a z of 5 at most."""
    problem, draws = small("normal_known_variance")
    mu = datatree(draws, problem)["prior"]["mu"].to_numpy()[0, :, :, 0]
    assert mu.shape == (1000, 2)
    assert abs(mu.mean()) < 5 * 3 / np.sqrt(2000) and abs(mu.std() - 3) < 5 * 3 / np.sqrt(4000)


def test_dimensions_coordinates_names_and_units():
    problem, draws = small("normal_wishart")
    tree = datatree(draws, problem, features=["length", "draw"], unit="cm", attributes={"method": "CAVI"})
    posterior = tree["posterior"]
    assert posterior["precision"].dims == ("chain", "draw", "component", "feature", "other_feature")
    assert posterior["component"].to_numpy().tolist() == [1, 2]
    assert posterior["feature"].to_numpy().tolist() == ["length", "draw"]
    assert posterior["mu"].attrs["units"] == "cm" and posterior["precision"].attrs["units"] == "1/(cm)^2"
    # A column may have the name of a dimension.
    assert set(tree["observed_data"].data_vars) == {"length", "draw (data)"}
    assert tree["observed_data"]["length"].attrs["units"] == "cm"
    assert tree["log_likelihood"]["point"].attrs["units"] == "nats"
    assert tree.attrs["method"] == "CAVI" and tree.attrs["relabelled"] == 1
    with pytest.raises(InputError, match="features has 1 names; give 2"):
        datatree(draws, problem, features=["length"])


def test_draws_are_relabelled_unless_they_are_wanted_raw():
    problem, draws = small("normal_gamma", n_draws=60)
    swapped = {name: np.where(_odd(values), values[:, ::-1], values) for name, values in draws.items()}
    raw = datatree(as_tree(swapped), problem, raw=True)
    assert raw["posterior"]["mu"].std("draw").max() > 1 and raw.attrs["relabelled"] == 0
    np.testing.assert_array_equal(as_arrays(raw)["mu"], swapped["mu"])
    named = datatree(as_tree(swapped), problem)
    assert named["posterior"]["mu"].std("draw").max() < 0.5
    assert float(named["posterior"]["mu"].mean("draw")[0, 0, 0]) < 0  # the smaller comes first
    xr.testing.assert_allclose(named["log_likelihood"].to_dataset(), raw["log_likelihood"].to_dataset())


def _odd(values):
    return (np.arange(len(values)) % 2 == 1).reshape(-1, *[1] * (values.ndim - 1))


def test_weighted_points_stand_there_as_often_as_their_weights_say():
    problem, draws = small("gamma_poisson")
    counts = np.arange(30.0) % 3
    weighted = datatree(draws, Problem(problem.mixture, problem.x, counts), raw=True)
    repeated = datatree(
        draws, Problem(problem.mixture, problem.x.repeat(counts.astype(int), axis=0)), raw=True
    )
    assert weighted.identical(repeated)
    parts = Problem(problem.mixture, problem.x, counts + 0.5)
    nodes = Condensation(1000, False, 0.0, 0.0, 10, 0.0, np.empty(0), np.empty(0))
    large = Problem(problem.mixture, problem.x, counts + 1, condensation=nodes)
    for one, why in ((parts, "not whole numbers"), (large, "30 weighted nodes stand for")):
        tree = datatree(draws, one)
        assert set(tree.children) == {"posterior", "sample_stats", "prior"}
        assert re.search(why, tree.attrs["left_out"])


def test_loo_of_cavi_is_loo_by_hand():
    """With one component q is the posterior, and the density that leaves a point out is known."""
    rng = np.random.default_rng(3)
    x = rng.normal(1.0, 1.0, (25, 1))
    mixture = Mixture(NormalKnownVariance(0.0, 4.0), FixedWeights(), 1)
    draws = fit(mixture, x, rng=1).sample(rng, 20_000)
    found = az.loo(datatree(draws, Problem(mixture, x)), pointwise=True)
    for i in range(25):
        others = np.delete(x[:, 0], i)
        variance = 1 / (1 / 4.0 + 24)
        exact = norm.logpdf(x[i, 0], variance * others.sum(), np.sqrt(1 + variance))
        # Plain importance sampling, whose ratios have finite variance here, has an error near 1e-3.
        by_hand = -(logsumexp(-norm.logpdf(x[i, 0], draws["mu"][:, 0, 0])) - np.log(20_000))
        assert abs(by_hand - exact) < 0.01
        assert abs(float(found.elpd_i[i]) - exact) < 0.01


def runs_on(tree, variable):
    """Run ArviZ's functions, those that a reader of its pages would try first."""
    names = set(az.summary(tree, kind="stats").index)
    assert {"mu[1, x]", "mu[2, x]"} <= names
    assert {variable} == set(tree["observed_data"].data_vars)
    for plot in (az.plot_forest, az.plot_trace, az.plot_ppc_dist):
        plot(tree)
        matplotlib.pyplot.close("all")
    return az.loo(tree).elpd


@pytest.mark.parametrize("method", ["cavi", "gibbs"])
def test_functions_of_arviz_run_on_an_approximation_as_on_a_sampler(trees, method):
    assert set(trees[method].children) == GROUPS
    assert -150 < runs_on(trees[method], "x") < -90


@pytest.mark.filterwarnings("ignore:In a future version of xarray:FutureWarning")  # one chain beside four
def test_methods_and_numbers_of_components_are_compared(trees):
    ranking = az.compare(trees)
    assert set(ranking.index) == {"cavi", "gibbs"}
    means = {name: tree["posterior"]["mu"].mean(("chain", "draw")).to_numpy() for name, tree in trees.items()}
    np.testing.assert_allclose(means["cavi"], means["gibbs"], atol=0.4)  # the same components, so named
    az.plot_forest(trees, var_names=["mu"])
    matplotlib.pyplot.close("all")


@pytest.mark.slow
def test_functions_of_arviz_run_on_nuts(tmp_path):
    tree = tree_of(run(config(CAVI, NUTS), tmp_path / "trial"), "nuts")
    assert set(tree.children) == GROUPS and "diverging" in tree["sample_stats"]
    assert az.summary(tree)["r_hat"].notna().all()
    runs_on(tree, "x")


def test_a_cell_says_what_it_is_and_goes_to_a_file_and_back(study, trees, tmp_path):
    about = trees["cavi"].attrs
    assert about["method"] == "cavi" and about["dataset"] == "points" and about["model"] == "two"
    assert "numpy" in about["versions"] and about["inference_library"] == "elbowroom"
    assert about["bound"] < 0 and about["sampling_time"] > 0
    trees["cavi"].to_netcdf(tmp_path / "cavi.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "cavi.nc", engine="h5netcdf") as again:
        assert set(again.children) == GROUPS and again.attrs["model"] == "two"
    with pytest.raises(InputError, match="points/two/fail has no draws: it is failed"):
        tree_of(study, "fail")
    raw = tree_of(study, "gibbs", raw=True)
    assert raw.attrs["relabelled"] == 0 and "naming" not in raw["sample_stats"]


def test_the_page_runs_as_it_says(study, monkeypatch, capsys):
    monkeypatch.chdir(study.folder.parents[1])
    space: dict[str, object] = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL):
        exec(compile(code, "docs/arviz.md", "exec"), space)
    matplotlib.pyplot.close("all")
    out = capsys.readouterr().out
    assert "K = 2     0" in out  # two components come first
    figures = [float(one) for one in re.findall(r"^(?:\w+ )?(-\d+\.\d+)$", out, re.MULTILINE)]
    assert len(figures) == 3 and all(-150 < one < -90 for one in figures)


# The index of files


def rows(folder):
    with open(folder / "draws" / "index.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def listed(folder):
    """Return what the index says, if it has each file of draws, once."""
    found = rows(folder)
    assert sorted(row["file"] for row in found) == sorted(
        path.name for path in (folder / "draws").glob("*.nc")
    )
    assert all((folder / row["data"]).is_file() for row in found)
    return [(row["drawn_by"], row["dataset"], row["model"], row["method"], row["repeat"]) for row in found]


def test_an_index_says_whose_each_file_of_draws_is(study, tmp_path):
    place = ("points", "two")
    both = [("method", *place, "cavi", "1"), ("method", *place, "gibbs", "1")]
    whole = listed(study.folder)
    assert whole[:2] == both and all(row[0] == "reference" for row in whole[2:])
    for row in rows(study.folder):
        cell = {"cavi": 1, "gibbs": 4}.get(row["method"])
        if row["drawn_by"] == "method":
            with xr.open_datatree(study.folder / "draws" / row["file"], engine="h5netcdf") as tree:
                assert tree["posterior"].sizes["chain"] == cell

    shutil.copytree(study.folder, tmp_path / "less")
    run(config(CAVI), tmp_path / "less")  # Gibbs is taken out; its file stays till it is cleaned away
    remove_waste(tmp_path / "less", waste_in(tmp_path / "less"))
    assert [row[3] for row in listed(tmp_path / "less") if row[0] == "method"] == ["cavi"]

    run(config(GIBBS), tmp_path / "other")
    merge([tmp_path / "less", tmp_path / "other"], tmp_path / "merged")
    assert [row[3] for row in listed(tmp_path / "merged") if row[0] == "method"] == ["cavi", "gibbs"]


def test_an_index_is_there_after_an_interruption(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner._Run, "_judge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(config(CAVI), tmp_path / "trial")
    assert [row["method"] for row in rows(tmp_path / "trial")] == ["cavi"]
