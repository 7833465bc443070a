"""What `elbowroom fit` and `choose` take where no family is asked for, and what they say of it."""

import json

import numpy as np
import pytest

from tests.experiments.commands.test_cli import BEST_ELBO, EIGHT

TEXTBOOK = ["--family", "normal_known_variance"]
DEATHS = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]  # days with 0 to 9 (Titterington et al. 1985)


def write(path, *columns):
    rows = zip(*columns, strict=True)
    path.write_text("\n".join([",".join("abc"[: len(columns)]), *(",".join(map(str, row)) for row in rows)]))


@pytest.fixture
def kilograms():
    """Two hundred weights: N(60, 5) and N(95, 7)."""
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(60, 5, 120), rng.normal(95, 7, 80)]).round(1)


def found(elbowroom, *arguments):
    code, out, err = elbowroom(*arguments, "--json")
    assert code == 0
    return json.loads(out), err


def test_the_default_learns_the_variance(here, elbowroom, kilograms):
    """Groups lie 7 sds apart: a mean's sd is that of its points over the root of their number."""
    write(here / "kg.csv", kilograms)
    document, err = found(elbowroom, "fit", "kg.csv", "--components", 2)
    assert (document["family"], document["weights"], err) == ("normal_gamma", "dirichlet", "")
    groups = kilograms[:120], kilograms[120:]
    expected = [group.std(ddof=1) / np.sqrt(len(group)) for group in groups]
    np.testing.assert_allclose(np.ravel(document["sds"]), expected, rtol=0.15)
    three, _ = found(elbowroom, "fit", "kg.csv", "--components", 3)
    assert np.sort(three["counts"])[0] < 0.5 and np.sort(three["counts"])[1] > 79  # none is split in two
    assert "--family normal_known_variance" in elbowroom("fit", "kg.csv", "--components", 2)[1]


def test_several_columns_have_covariances_by_default(here, elbowroom, kilograms):
    write(here / "two.csv", kilograms, kilograms[::-1])
    document, _ = found(elbowroom, "fit", "two.csv", "--column", "a", "--column", "b", "--components", 2)
    assert (document["family"], document["weights"]) == ("normal_wishart", "dirichlet")


@pytest.mark.parametrize(
    "arguments",
    [TEXTBOOK, [*TEXTBOOK, "--weights", "fixed"], ["--noise-variance", 1], ["--prior", "noise_variance=1"]],
)
def test_the_textbooks_model_is_one_option_away(here, elbowroom, arguments):
    write(here / "eight.csv", EIGHT)
    prior = ["--components", 2, "--prior", "mean=0", "--prior", "variance=25"]
    document, _ = found(elbowroom, "fit", "eight.csv", *prior, *arguments)
    assert document["elbo"] == pytest.approx(BEST_ELBO, abs=1e-9)
    assert (document["family"], document["weights"]) == ("normal_known_variance", "fixed")


@pytest.mark.parametrize("command", ["fit", "choose"])
def test_counts_are_pointed_to_their_family(here, elbowroom, command):
    write(here / "deaths.csv", np.repeat(np.arange(10), DEATHS)[::10])
    few = ["--components", 1, "--starts", 2]
    _, err = found(elbowroom, command, "deaths.csv", *few)
    assert "--family gamma_poisson" in err and "whole numbers from 0 to" in err and err.count("\n") == 1
    assert found(elbowroom, command, "deaths.csv", *few, "--family", "gamma_poisson")[1] == ""


@pytest.mark.parametrize("values", [np.arange(100), np.arange(30) - 5, np.arange(100) % 7 / 2])
def test_what_is_hardly_a_count_is_not(here, elbowroom, values):
    write(here / "x.csv", values)
    assert found(elbowroom, "fit", "x.csv", "--components", 1, "--starts", 2)[1] == ""


def test_choose_has_the_same_default(here, elbowroom, kilograms):
    write(here / "kg.csv", kilograms)
    code, out, _ = elbowroom("choose", "kg.csv", "--components", 2, "--folds", 0, "--starts", 2)
    assert code == 0 and "family normal_gamma (for one column of numbers" in out
