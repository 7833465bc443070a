"""What stands beside the figures of `elbowroom fit` and `choose`: empty components, overlap, widths."""

import json

import numpy as np
import pytest
from scipy.special import gammaln

from hand_cavi import DirichletWeights, Mixture, NormalGamma, fit
from hand_cavi.linear_response import linear_response
from tests.experiments.commands.test_fit_defaults import DEATHS, found, write

EMPTY = "component 2 holds no points: its figures are the prior's"
COUNTS = np.repeat(np.arange(10), DEATHS)


@pytest.fixture
def groups():
    """Two groups, 200 points, that a third component finds nothing to do with."""
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(60, 5, 120), rng.normal(95, 7, 80)]).round(1)


def test_a_component_without_points_is_told(here, elbowroom, groups):
    write(here / "kg.csv", groups)
    _, out, _ = elbowroom("fit", "kg.csv", "--components", 3, "--starts", 10)
    assert f"Caution: {EMPTY}." in out
    document, _ = found(elbowroom, "fit", "kg.csv", "--components", 3, "--starts", 10)
    assert document["cautions"] == [EMPTY] and document["counts"][1] < 0.5
    assert document["components"][1]["mean"] == pytest.approx([groups.mean()], rel=1e-3)  # the prior's
    assert found(elbowroom, "fit", "kg.csv", "--components", 2)[0]["cautions"] == []


def test_choose_counts_the_components_that_hold_points(here, elbowroom, groups):
    write(here / "kg.csv", groups)
    asked = ["choose", "kg.csv", "--components", "1,3", "--starts", 10, "--folds", 0]
    code, out, _ = elbowroom(*asked)
    assert code == 0 and f"Caution, K = 3: {EMPTY}." in out
    assert "highest at K = 3" in out and "2 hold points, which speaks for K = 2." in out
    assert found(elbowroom, *asked)[0]["candidates"][1]["cautions"] == [EMPTY]


def exact_sds():
    """Posterior sds of the weight and of both rates, in order, of the death notices: a sum over a grid."""
    weight, low, high = np.linspace(0.005, 0.995, 80), np.linspace(0.05, 3.0, 100), np.linspace(1.8, 4.8, 100)
    k, prior_rate = np.arange(10), 1 / COUNTS.mean()
    first, second = (np.exp(k * np.log(r)[:, None] - r[:, None] - gammaln(k + 1)) for r in (low, high))
    log_p = np.empty((80, 100, 100))
    for i, w in enumerate(weight):
        log_p[i] = np.log(w * first[:, None] + (1 - w) * second) @ np.array(DEATHS)
    log_p -= prior_rate * (low[:, None] + high)
    log_p[:, low[:, None] > high] = -np.inf
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    sds = []
    for axis, grid in enumerate((weight, low, high)):
        share = p.sum(axis=tuple({0, 1, 2} - {axis}))
        sds.append(float(np.sqrt(share @ grid**2 - (share @ grid) ** 2)))
    return sds


def test_where_linear_response_refuses_itself_widths_are_sampled(here, elbowroom):
    """Of 1,096 points, and of the same as weighted rows: 1,000 effective draws and more are 7 % off at most.

    That is three standard errors, 0.3 % for each of the three; the draws are always the same.
    """
    truth = exact_sds()
    write(here / "deaths.csv", COUNTS)
    rows = "".join(f"{k},{days}\n" for k, days in enumerate(DEATHS))
    (here / "table.csv").write_text("deaths,days\n" + rows)
    for data in (["deaths.csv"], ["table.csv", "--column", "deaths", "--weight-column", "days"]):
        asked = ["fit", *data, "--family", "gamma_poisson", "--components", 2]
        document, _ = found(elbowroom, *asked)
        assert document["sds_by"] == "sampling" and document["sds_note"] == ""
        shown = [document["components"][0]["weight_sd"], *np.ravel(document["sds"])]
        assert shown == pytest.approx(truth, rel=0.07)
        assert "those shown are by sampling, up to 1" in document["cautions"][0]
    plain, _ = found(elbowroom, *asked, "--sds", "mean-field")
    assert plain["sds_by"] == "mean field" and plain["means"] == document["means"]


def test_widths_that_do_not_qualify_are_not_shown(here, elbowroom, monkeypatch):
    monkeypatch.setattr("experiments.references.importance.QUALIFIES", 1e-9)
    write(here / "deaths.csv", COUNTS)
    asked = ["fit", "deaths.csv", "--family", "gamma_poisson", "--components", 2]
    document, _ = found(elbowroom, *asked)
    assert document["sds_by"] == "mean field"
    assert "no sampling: importance sampling does not qualify" in document["cautions"][0]


def test_death_notices_are_not_printed_bare(here, elbowroom):
    """CAVI's sds are 4 to 12 times too small; linear response refuses itself; both are said."""
    weight, low, high = exact_sds()
    assert [weight, low, high] == pytest.approx([0.167, 0.320, 0.253], rel=0.01)
    write(here / "deaths.csv", COUNTS)
    asked = ["fit", "deaths.csv", "--family", "gamma_poisson", "--components", 2, "--sds", "linear-response"]
    document, _ = found(elbowroom, *asked)
    assert document["components"][0]["weight_sd"] < weight / 11
    assert document["sds"][0][0] < low / 5 and document["sds"][1][0] < high / 4
    (caution,) = document["cautions"]
    assert document["sds_by"] == "mean field" and "spectral radius" in document["sds_note"]
    assert caution.startswith(
        "components 1 and 2 overlap: their mean-field standard deviations are too small"
    )
    assert "too heavily for linear response" in caution
    assert f"Caution: {caution}." in elbowroom(*asked)[1]


def test_widths_are_linear_responses_where_it_qualifies(here, elbowroom):
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(0, 1, 150), rng.normal(4, 1, 150)]).round(3)
    write(here / "x.csv", x)
    asked = ["fit", "x.csv", "--components", 2, "--prior", "mean=0", "--prior", "precision_scale=0.1"]
    asked += ["--prior", "shape=2", "--prior", "rate=1"]
    best = fit(Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 2), x, rng=1)
    order = np.argsort(best.components.mean[:, 0])
    wide = linear_response(best, x).sds()
    document, _ = found(elbowroom, *asked)
    assert document["sds_by"] == "linear response" and document["sds_note"] == ""
    np.testing.assert_allclose(document["sds"], wide["mu"][order], rtol=1e-6)
    shown = [one["weight_sd"] for one in document["components"]]
    np.testing.assert_allclose(shown, wide["weights"][order], rtol=1e-6)
    plain, _ = found(elbowroom, *asked, "--sds", "mean-field")
    assert plain["sds_by"] == "mean field" and plain["means"] == document["means"]
    ratio = np.array(document["sds"]) / plain["sds"]
    assert (ratio > 1.05).all() and "times as wide" in document["cautions"][0]
    assert plain["cautions"][0].endswith("their mean-field standard deviations are too small")
    assert "by linear response; --sds mean-field" in elbowroom(*asked)[1]
    assert "± is a posterior standard deviation, by mean field" in elbowroom(*asked, "--sds", "mean-field")[1]


def test_widths_of_condensed_counts_are_those_of_all_rows(here, elbowroom):
    counts = np.concatenate([np.random.default_rng(s).poisson(r, 2000) for s, r in ((1, 2.0), (2, 9.0))])
    np.save(here / "counts.npy", counts.astype(float))
    asked = ["fit", "counts.npy", "--family", "gamma_poisson", "--components", 2, "--starts", 3]
    wide = [found(elbowroom, *asked, "--condense", word)[0] for word in ("always", "never")]
    assert wide[0]["condensed"]["nodes"] < 40 and wide[1]["condensed"] is None
    assert [one["sds_by"] for one in wide] == ["linear response"] * 2
    np.testing.assert_allclose(wide[0]["sds"], wide[1]["sds"], rtol=1e-5)


def test_too_many_statistics_for_linear_response_are_said(here, elbowroom, groups, monkeypatch):
    monkeypatch.setattr("experiments.commands._sds.MOST_WORK", 1.0)
    write(here / "kg.csv", groups)
    document, _ = found(elbowroom, "fit", "kg.csv", "--components", 2)
    assert document["sds_by"] == "mean field" and "too many for it" in document["sds_note"]
    assert "no linear response: 200 points" in elbowroom("fit", "kg.csv", "--components", 2)[1]


def test_choose_tells_of_overlap(here, elbowroom):
    write(here / "deaths.csv", COUNTS)
    asked = ["choose", "deaths.csv", "--family", "gamma_poisson", "--components", 2, "--folds", 0]
    _, out, _ = elbowroom(*asked, "--starts", 2)
    assert "Caution, K = 2: components 1 and 2 overlap: their mean-field" in out
    assert json.dumps(found(elbowroom, *asked, "--starts", 2)[0]).count("overlap") == 1
