"""What `elbowroom fit` says of the components, against draws from q."""

import json

import numpy as np
import pytest

from experiments.families.components import describe
from hand_cavi import Mixture, fit
from tests.experiments.family_cases import CALLED, CASES, FAMILIES, PRIORS, WEIGHTS, data_of

DRAWS = 40_000


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_moments_are_those_of_draws(family, weights):
    """Each mean within 5 standard errors of that of 40,000 draws: false alarm below 1e-4 in all."""
    fitted = fit(Mixture(PRIORS[family], WEIGHTS[weights], 3), data_of(family), rng=2, starts=4)
    found = describe(fitted)
    draws = fitted.sample(5, DRAWS)
    name, values = CALLED[family], draws[CASES[family].location]
    error = 5 * values.std(axis=0) / np.sqrt(DRAWS)
    assert np.all(np.abs(found[name] - values.mean(axis=0)) <= error + 1e-12)
    np.testing.assert_allclose(found["sd"], values.std(axis=0), rtol=0.12)
    if weights != "fixed":
        share = draws["weights"]
        assert np.all(np.abs(found["weight"] - share.mean(axis=0)) <= 5 * share.std(axis=0) / np.sqrt(DRAWS))
        np.testing.assert_allclose(found["weight_sd"], share.std(axis=0), rtol=0.05)
    else:
        np.testing.assert_allclose(found["weight"], 1 / 3)
    if "spread" in found:
        covariance = (
            np.linalg.inv(draws["precision"]) if family == "normal_wishart" else 1 / draws["precision"]
        )
        variance = np.diagonal(covariance, axis1=-2, axis2=-1) if family == "normal_wishart" else covariance
        held = fitted.counts > 2  # the variance of a nearly empty component has heavy tails
        np.testing.assert_allclose(
            found["spread"][held] ** 2, variance.mean(axis=0)[held], rtol=0.05, err_msg="spread"
        )
    if "correlation" in found:
        mean = np.linalg.inv(draws["precision"]).mean(axis=0)
        expected = mean[:, 0, 1] / np.sqrt(mean[:, 0, 0] * mean[:, 1, 1])
        held = fitted.counts > 2
        np.testing.assert_allclose(found["correlation"][held, 0, 1], expected[held], atol=0.03)


def table(path, x, names):
    rows = [",".join(names)] + [",".join(f"{value:.6g}" for value in row) for row in x]
    path.write_text("\n".join(rows))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_fit_prints_every_family(here, elbowroom, family, weights):
    table(here / "d.csv", data_of(family), ("a", "b"))
    arguments = ["fit", "d.csv", "--column", "a", "--column", "b", "--components", 2]
    arguments += ["--family", family, "--weights", weights, "--starts", 4]
    code, out, err = elbowroom(*arguments)
    assert (code, err) == (0, "")
    assert "of 4 starts reached this bound (" in out and "Chosen here, for want of a prior" in out
    assert ("weight ± sd" in out) == (weights != "fixed")
    assert f"b: {CALLED[family]} ± sd" in out
    assert ("correlations of the points" in out) == (family == "normal_wishart")
    code, out, _ = elbowroom(*arguments, "--json")
    document = json.loads(out)
    assert code == 0 and document["family"] == family and document["weights"] == weights
    assert len(document["components"]) == 2 and sum(document["counts"]) == pytest.approx(40)
    assert 0 < document["starts_at_best"] <= document["starts"] == 4
    code, _, err = elbowroom(*arguments, "--plot", "p.png")
    if CASES[family].picture:
        assert code == 0 and (here / "p.png").stat().st_size > 5000
    else:
        assert code == 2 and "no picture of" in err and not (here / "p.png").exists()


def test_priors_may_be_given_on_the_command_line(here, elbowroom):
    table(here / "d.csv", data_of("normal_wishart"), ("a", "b"))
    arguments = ["fit", "d.csv", "--column", "a", "--column", "b", "--components", 2, "--json"]
    arguments += ["--family", "normal_wishart", "--weights", "dirichlet", "--concentration", 2.5]
    for pair in (
        "mean=[0,1]",
        "precision_scale=0.1",
        "degrees_of_freedom=5",
        "scale_inverse=[[2,0.5],[0.5,1]]",
    ):
        arguments += ["--prior", pair]
    code, out, _ = elbowroom(*arguments)
    document = json.loads(out)
    assert code == 0 and document["prior"]["note"] == ""
    assert document["prior"]["scale_inverse"] == [[2.0, 0.5], [0.5, 1.0]]
    assert document["weights_prior"] == {"concentration": [2.5, 2.5]}
    mixture = Mixture(PRIORS["normal_wishart"], WEIGHTS["dirichlet"], 2)
    given = Mixture(mixture.components, type(mixture.weights)(np.array(2.5)), 2)
    x = np.array([[float(f"{v:.6g}") for v in row] for row in data_of("normal_wishart")])
    assert document["elbo"] == pytest.approx(fit(given, x, rng=1).elbo, rel=1e-12)


def test_categories_given_as_text_are_mapped_and_said(here, elbowroom):
    (here / "c.csv").write_text("kind,size\n" + "cat,2\ndog,10\n" * 6 + "emu,2\n")
    arguments = ["fit", "c.csv", "--column", "kind", "--column", "size", "--components", 2]
    arguments += ["--family", "dirichlet_categorical"]
    code, out, err = elbowroom(*arguments)
    assert code == 0
    assert "kind (0 = cat, 1 = dog, 2 = emu); size (0 = 2, 1 = 10)" in out
    assert 'column "size" has 2 categories of the 3' in err
    assert elbowroom(*arguments, "--json")[1].count('"emu"') == 1
