"""Reference draws in posteriordb's form: what its R package asserts of files, written down here once more."""

import json
import re
import zipfile
from dataclasses import replace
from datetime import date

import arviz as az
import numpy as np
import pytest
import xarray as xr

from experiments.engine import runner
from experiments.engine.workers.executors import executor
from experiments.methods.own.variables import as_tree, entries, with_quantities
from experiments.records import Reference
from experiments.report.posteriordb.draw_checks import checks
from experiments.report.posteriordb.reference_files import _written, files_of_study, why_not
from experiments.report.posteriordb.stan_names import by_stan_name
from tests.experiments.engine.test_runner import CAVI, config, run

GIBBS = 'name = "gibbs"\ndraws = 500\ntune = 200'
NAME = "points-two"
INFO = ["name", "inference", "diagnostics", "checks_made", "comments", "added_by", "added_date", "versions"]
OF_CHAINS = {"effective_sample_size_bulk", "effective_sample_size_tail", "r_hat", "divergent_transitions"}
OF_CHAINS |= {"nchains", "expected_fraction_of_missing_information"}


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """By chains of Gibbs, and by exact simulation."""
    folder = tmp_path_factory.mktemp("reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "executor", lambda on, workers, on_start=None: executor("serial", 1, on_start))
        return {
            how: (folder / how, run(config(CAVI, GIBBS) + f'[reference]\nmethod = "{how}"\n', folder / how))
            for how in ("gibbs", "enumeration")
        }


def read(folder, path):
    if path.endswith(".zip"):
        with zipfile.ZipFile(folder / path) as archive:
            (inside,) = archive.namelist()
            assert f"{inside}.zip" == path.rpartition("/")[2]
            return json.loads(archive.read(inside))
    return json.loads((folder / path).read_text("utf-8"))


def written(studies, how, elbowroom, tmp_path):
    to = tmp_path / "here" / "database"
    code, out, err = elbowroom("export", studies[how][0], "--reference", "--to", to)
    assert (code, err) == (0, "") and "reference draws of 1 problem" in out
    return to


@pytest.mark.parametrize("how", ["gibbs", "enumeration"])
def test_files_are_those_of_a_database_and_agree_with_each_other(studies, how, elbowroom, tmp_path):
    to = written(studies, how, elbowroom, tmp_path)
    top = "reference_posteriors/summary_statistics"
    assert sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file()) == sorted(
        [
            *("data/data/points.json.zip", "data/info/points.info.json", "models/info/two.info.json"),
            f"posteriors/{NAME}.json",
            *(
                f"reference_posteriors/draws/{one}"
                for one in (f"draws/{NAME}.json.zip", f"info/{NAME}.info.json")
            ),
            *(f"{top}/{what}/info/{NAME}.info.json" for what in ("mean_value", "mean_squared_value")),
            *(f"{top}/{what}/{what}/{NAME}.json" for what in ("mean_value", "mean_squared_value")),
        ]
    )
    assert list(tmp_path.glob("here/*")) == [to]
    posterior = read(to, f"posteriors/{NAME}.json")
    assert posterior["name"] == f"{posterior['data_name']}-{posterior['model_name']}" == NAME
    assert posterior["reference_posterior_name"] == NAME and posterior["dimensions"] == {"mu": 2}
    draws = read(to, f"reference_posteriors/draws/draws/{NAME}.json.zip")
    assert all(list(one) == ["mu[1]", "mu[2]"] for one in draws)
    assert len({len(values) for one in draws for values in one.values()}) == 1
    info = read(to, f"reference_posteriors/draws/info/{NAME}.info.json")
    told = info["diagnostics"]
    assert list(info) == INFO and re.fullmatch(r"\d{4}-\d\d-\d\d", info["added_date"]) and info["added_by"]
    assert told["diagnostic_information"]["names"] == list(draws[0])
    assert told["ndraws"] == sum(len(one["mu[1]"]) for one in draws)
    if how == "gibbs":
        assert set(told) >= OF_CHAINS and told["nchains"] == len(draws) == 4
        made = info["inference"]["method_arguments"]
        assert (made["chains"], made["warmup"], made["iter"], made["thin"]) == (4, 200, 700, 1)
    else:
        assert info["inference"]["method"] == "analytical" and not set(told) & (OF_CHAINS - {"nchains"})
    assert all(isinstance(one, str) for one in info["versions"].values())
    data = read(to, "data/data/points.json.zip")
    record = studies[how][1]
    assert data["N"] == 8 and data["x"] == record.problems[0].problem.x[:, 0].tolist()
    assert read(to, "data/info/points.info.json")["data_file"] == "data/data/points.json"
    assert read(to, "models/info/two.info.json")["description"] == record.problems[0].about_model


def test_figures_are_those_of_the_draws_by_another_hand(studies, elbowroom, tmp_path):
    to = written(studies, "gibbs", elbowroom, tmp_path)
    draws = read(to, f"reference_posteriors/draws/draws/{NAME}.json.zip")
    told = read(to, f"reference_posteriors/draws/info/{NAME}.info.json")["diagnostics"]
    arrays = {name: np.array([one[name] for one in draws]) for name in draws[0]}
    tree = xr.Dataset({name: (("chain", "draw"), values) for name, values in arrays.items()})
    for field, by_arviz in (
        ("r_hat", az.rhat(tree)),
        ("effective_sample_size_bulk", az.ess(tree, method="bulk")),
        ("effective_sample_size_tail", az.ess(tree, method="tail", prob=(0.05, 0.95))),
    ):
        np.testing.assert_allclose(told[field], [float(by_arviz[name]) for name in arrays])
    for what, power in (("mean_value", 1), ("mean_squared_value", 2)):
        top = f"reference_posteriors/summary_statistics/{what}"
        found = read(to, f"{top}/{what}/{NAME}.json")
        assert list(found) == ["names", what, "mcse_mean"] and found["names"] == list(arrays)
        np.testing.assert_allclose(found[what], [np.mean(values**power) for values in arrays.values()])
        np.testing.assert_allclose(
            found["mcse_mean"], [float(az.mcse(values**power)) for values in arrays.values()]
        )
        info = read(to, f"{top}/info/{NAME}.info.json")
        first = arrays["mu[1]"] - arrays["mu[1]"].mean(axis=1, keepdims=True)
        lag = np.mean((first[:, 1:] * first[:, :-1]).sum(axis=1) / (first**2).sum(axis=1))
        assert info["diagnostics"]["mean_lag1_ac"][0] == pytest.approx(lag)
        assert info["checks_made"]["ndraws_is_gte_10k"] is False


def test_components_are_named_alike_and_the_comment_says_how(studies, elbowroom, tmp_path):
    to = written(studies, "enumeration", elbowroom, tmp_path)
    (draws,) = read(to, f"reference_posteriors/draws/draws/{NAME}.json.zip")
    comments = read(to, f"reference_posteriors/draws/info/{NAME}.info.json")["comments"]
    assert np.mean(draws["mu[1]"]) < -1 and np.mean(draws["mu[2]"]) > 1
    assert "relabelled by the method allocation" in comments and "ambiguous" in comments


def test_checks_are_those_of_its_definition():
    """4 sqrt(7) sqrt(S) about S; R-hat below 1.01; E-FMI above 0.2; 10,000 draws of 4 or more chains."""
    good = {
        "ndraws": 10_000,
        "nchains": 10,
        "r_hat": [1.0, 1.0099],
        "effective_sample_size_bulk": [10_000 + 1058.0, 9_000.0],
        "effective_sample_size_tail": [10_000 - 1058.0, 9_500.0],
        "expected_fraction_of_missing_information": [0.21],
    }
    names = {"ndraws_is_10k", "nchains_is_gte_4", "ess_within_bounds", "r_hat_below_1_01", "efmi_above_0_2"}
    assert set(checks(good)) == names and all(checks(good).values())
    for field, value, name in (
        ("ndraws", 4_000, "ndraws_is_10k"),
        ("nchains", 3, "nchains_is_gte_4"),
        ("r_hat", [1.0, 1.01], "r_hat_below_1_01"),
        ("effective_sample_size_tail", [10_000 - 1059.0], "ess_within_bounds"),
        ("expected_fraction_of_missing_information", [0.19], "efmi_above_0_2"),
    ):
        assert checks(good | {field: value})[name] is False
    assert set(checks({"ndraws": 20_000, "nchains": 1})) == {"ndraws_is_10k", "nchains_is_gte_4"}


def test_names_are_stans():
    mu, tau = np.zeros((1, 2, 3, 1)), np.zeros((1, 2))
    assert list(by_stan_name({"mu": mu, "tau": tau})) == ["mu[1]", "mu[2]", "mu[3]", "tau"]
    precision = np.arange(8.0).reshape(1, 1, 2, 2, 2)
    assert by_stan_name({"precision": precision})["precision[2,1,2]"] == 5.0


def test_what_does_not_qualify_is_refused_and_nothing_is_written(studies, elbowroom, tmp_path, monkeypatch):
    folder, record = studies["gibbs"]
    unfit = replace(
        record.problems[0], reference=Reference("nuts", False, "NUTS does not qualify: R-hat is 1.3")
    )
    sentence = "points, two: the reference does not qualify: NUTS does not qualify: R-hat is 1.3"
    assert why_not(unfit) == sentence
    no_draws = replace(record.problems[0], reference=Reference("importance", True, ""))
    assert why_not(no_draws) == "points, two: the reference, importance, gives log p(x) but no draws"

    def stored(problems):
        monkeypatch.setattr(
            "experiments.engine.store.whole.study_record", lambda store: replace(record, problems=problems)
        )

    stored((unfit,))
    code, out, err = elbowroom("export", folder, "--reference", "--to", tmp_path / "none")
    assert code == 2 and sentence in err and not out and not list(tmp_path.iterdir())
    stored((replace(unfit, model="other"), record.problems[0]))
    code, out, err = elbowroom("export", folder, "--reference", "--to", tmp_path / "one")
    assert code == 1 and "of 1 problem" in out and "not written: points, other: " in err
    assert [path.name for path in (tmp_path / "one/posteriors").iterdir()] == [f"{NAME}.json"]


def test_a_folder_that_is_there_is_kept_and_one_of_two_things_is_asked_for(studies, elbowroom, tmp_path):
    folder = studies["gibbs"][0]
    code, _, err = elbowroom("export", folder, "--reference", "--to", tmp_path)
    assert code == 2 and "is there already" in err and not list(tmp_path.iterdir())
    for both in ((), ("--reference", "--format", "csv")):
        code, _, err = elbowroom("export", folder, *both)
        assert code == 2 and "say what to write" in err


def test_equal_draws_are_equal_bytes(studies):
    record, day = studies["enumeration"][1], date(2026, 1, 2)
    assert files_of_study(record, on=day) == files_of_study(record, on=day)


def test_of_a_model_of_ones_own_what_was_compared_is_written():
    chains = {"mu": np.array([[[1.0, 2.0], [2.0, 1.0], [1.5, 3.0]]])}
    tree = as_tree(chains)
    lower = {"lower mu": chains["mu"].min(axis=2), "mu[2]": chains["mu"].max(axis=2)}
    found = by_stan_name(_written(with_quantities(tree, lower)))
    assert list(found) == ["lower_mu", "mu[2]"] and found["lower_mu"].tolist() == [[1.0, 1.0, 1.5]]
    whole = with_quantities(tree, entries(chains))
    assert list(by_stan_name(_written(whole))) == list(by_stan_name(_written(tree))) == ["mu[1]", "mu[2]"]
