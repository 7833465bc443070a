"""Choosing K: bounds against enumeration, held-out prediction against a plain refit, the command."""

import json

import numpy as np
import pytest

from experiments.commands.choose import read_numbers
from experiments.posterior import held_out
from experiments.records import Estimate
from experiments.references import log_evidence
from experiments.report.figures.number_of_components import choosing_figure
from experiments.studies import choosing
from experiments.studies.choosing import Candidate, conclusion
from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    fit,
)
from tests.experiments.commands.test_cli import EIGHT

X = np.array(EIGHT)[:, np.newaxis]


def mixtures(numbers=(1, 2, 3)):
    return [Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), k) for k in numbers]


def test_bounds_are_bounds_and_the_textbooks():
    one, two, three = choosing.candidates(mixtures(), X, rng=1, starts=10, folds=4)
    assert two.elbo == pytest.approx(-18.716970286055, abs=1e-9)  # docs/mathematics.md, 11
    assert two.evidence.value == pytest.approx(-17.990121876653, abs=1e-9)
    assert one.elbo == pytest.approx(one.evidence.value, abs=1e-9)  # K = 1: nothing is approximated
    for candidate in (one, two, three):
        assert candidate.elbo <= candidate.symmetrised <= candidate.evidence.value + 1e-9
        assert candidate.symmetry <= np.log(6) and candidate.starts == 10
    assert two.symmetry == pytest.approx(np.log(2), abs=1e-3)  # the clusters lie far apart
    assert two.occupied == 2 and two.starts_at_best >= 1
    best = max((one, two, three), key=lambda c: c.held_out)
    assert best.behind == 0 and all(c.behind <= 0 for c in (one, two, three))
    assert one.behind == pytest.approx(one.held_out - best.held_out)


def test_held_out_is_what_a_refit_predicts():
    mixture = mixtures((2,))[0]
    found = held_out.log_predictive(mixture, X, folds=4, rng=3, starts=4)
    folds = held_out.fold_of(8, 4)
    assert np.bincount(folds).tolist() == [2, 2, 2, 2]
    out = folds == 1
    refit = fit(mixture, X[~out], rng=3, starts=4)
    np.testing.assert_allclose(found[out], refit.log_predictive(X[out]), rtol=1e-6)
    mean, error = held_out.mean_and_error(found)
    assert mean == pytest.approx(found.mean())
    assert error == pytest.approx(found.std() / np.sqrt(8))
    weighted = held_out.mean_and_error(found, np.full(8, 3.0))
    assert weighted == pytest.approx((mean, error))


def test_leaving_one_out_with_one_component_is_the_conjugate_predictive():
    """p(x_i | the others) = p(x) / p(the others), exactly."""
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), FixedWeights(), 1)
    found = held_out.log_predictive(mixture, X, folds=8, rng=1, starts=1)
    evidence = fit(mixture, X, rng=1).elbo
    others = [fit(mixture, np.delete(X, i, axis=0), rng=1).elbo for i in range(8)]
    np.testing.assert_allclose(found, evidence - np.array(others), atol=1e-8)


def test_the_number_of_clusters_of_clear_data():
    rng = np.random.default_rng(4)
    x = np.array([-8.0, 0.0, 8.0])[rng.integers(0, 3, 90)] + rng.standard_normal(90)
    models = [Mixture(NormalGamma(0.0, 0.01, 1.5, 1.0), DirichletWeights(1.0), k) for k in (1, 2, 3, 4)]
    found = choosing.candidates(models, x[:, np.newaxis], rng=1, starts=6, folds=3)
    assert max(found, key=lambda c: c.symmetrised).n_components == 3
    assert max(found, key=lambda c: c.held_out).n_components >= 3
    figure = choosing_figure(found, width=3.9)
    assert len(figure.axes) == 2


def test_too_few_points_for_the_folds():
    with pytest.raises(InputError, match="8 points cannot make 9 folds"):
        held_out.log_predictive(mixtures()[1], X, folds=9, rng=1)


def test_numbers_of_components_are_read():
    assert read_numbers("1-4") == [1, 2, 3, 4] and read_numbers("2,5") == [2, 5] and read_numbers("3") == [3]
    for bad in ("", "0-2", "1,1", "a", "4-1", "1-"):
        with pytest.raises(InputError, match="cannot be read"):
            read_numbers(bad)


def test_the_command(here, elbowroom):
    (here / "eight.csv").write_text("\n".join(["v", *map(str, EIGHT)]))
    arguments = ["choose", "eight.csv", "--components", "1-3", "--starts", 4, "--folds", 2]
    code, out, err = elbowroom(*arguments, "--plot", "k.png")
    assert (code, err) == (0, "") and "which speaks for K = 2." in out
    assert 'log p(x) is highest at K = 3 (column "log p(x)" decides), but hardly: K = 2 is' in out
    assert (here / "k.png").stat().st_size > 5000
    code, out, _ = elbowroom(*arguments, "--json")
    found = json.loads(out)["candidates"]
    assert [one["components"] for one in found] == [1, 2, 3] and code == 0
    code, out, _ = elbowroom("choose", "eight.csv", "--components", "1-3", "--folds", 0, "--json")
    assert json.loads(out)["candidates"][0]["held_out"] is None
    code, out, err = elbowroom("choose", "eight.csv", "--components", "1-3", "--folds", 1)
    assert code == 2 and "needs at least 2" in err


# what is concluded


def bounds(*pairs, **more):
    return [Candidate(k, elbo, symmetry, **more) for k, (elbo, symmetry) in enumerate(pairs, 1)]


def test_the_column_that_decides_is_named():
    said = " ".join(conclusion(bounds((-20.0, 0.0), (-12.0, 0.69), (-12.1, 1.79))))
    assert 'The bound is highest at K = 3 (column "ELBO + KL(q, q_sym)" decides)' in said
    assert 'The column "ELBO", which pays up to ln K! for naming components, is highest at K = 2.' in said
    said = " ".join(conclusion(bounds((-20.0, 0.0), (-12.0, 0.69), (-12.1, None))))
    assert 'highest at K = 2 (column "ELBO" decides), but hardly: K = 3 is 0.1 nats below' in said
    known = [Candidate(k, -9.0, 0.0, evidence=Estimate(-k, 0.0, "enumeration")) for k in (1, 3)]
    assert conclusion(known)[0].startswith('log p(x) is highest at K = 1 (column "log p(x)" decides).')
    assert conclusion(known[:1]) == []


@pytest.mark.parametrize(("error", "hardly"), [(0.1, False), (0.9, True)])
def test_a_lead_within_its_errors_means_nothing(error, hardly):
    found = [Candidate(k, -9.0, 0.0, evidence=Estimate(2.0 * k, error, "bridge")) for k in (1, 2)]
    assert ("but hardly: K = 1 is 2 nats below, and less than 2.5" in conclusion(found)[0]) == hardly


def test_components_that_hold_points_are_counted():
    found = [Candidate(1, -20.0, 0.0, occupied=1), Candidate(3, -12.0, 0.0, occupied=2)]
    assert "Of these 3 components 2 hold points, which speaks for K = 2." in conclusion(found)


def test_prediction_says_hardly_where_others_are_as_good():
    found = [
        Candidate(k, -9.0, 0.0, held_out=-behind, behind=-behind, behind_se=0.1)
        for k, behind in ((1, 3.0), (2, 0.0), (3, 0.1), (4, 0.19))
    ]
    said = "Held-out points are predicted best with K = 2, but hardly: within two standard errors of it lies"
    assert f"{said} K = 3, 4." in conclusion(found)


# as it goes


def test_rows_are_printed_as_they_come(here, elbowroom, monkeypatch):
    (here / "eight.csv").write_text("\n".join(["v", *map(str, EIGHT)]))
    evidence, asked = choosing._evidence, []

    def interrupted(mixture, *rest):
        asked.append(mixture.n_components)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return evidence(mixture, *rest)

    monkeypatch.setattr(choosing, "_evidence", interrupted)
    code, out, _ = elbowroom("choose", "eight.csv", "--components", "1-3", "--starts", 2, "--folds", 0)
    assert code == 130 and [line.split()[0] for line in out.splitlines()[-3:]] == ["K", "1", "2"]


def test_why_there_is_no_evidence_is_kept(here, elbowroom, monkeypatch):
    (here / "eight.csv").write_text("\n".join(["v", *map(str, EIGHT)]))

    def refuses(mixture, x, *, method, **_):
        raise InputError(f"no way to log p(x) applies here; {method}: k-hat is 0.93")

    monkeypatch.setattr(choosing, "log_evidence", refuses)
    asked = ["choose", "eight.csv", "--components", "1-2", "--starts", 2, "--folds", 0]
    _, out, _ = elbowroom(*asked, "--evidence")
    assert "No log p(x) at K = 1, 2: no way to log p(x) applies here; auto: k-hat is 0.93" in out
    first = json.loads(elbowroom(*asked, "--evidence", "--json")[1])["candidates"][0]
    assert first["log_evidence"] is None and "k-hat is 0.93" in first["log_evidence_note"]
    assert "sampling was not asked for" in elbowroom(*asked)[1]


def test_counts_are_fitted_by_their_distinct_values(monkeypatch):
    x = np.random.default_rng(0).poisson([2.0, 9.0], (200, 2)).reshape(-1, 1).astype(float)
    mixture = Mixture(GammaPoisson(1.0, 0.2), DirichletWeights(1.0), 2)
    plain = fit(mixture, x, rng=1, starts=3)
    held = held_out.log_predictive(mixture, x, folds=4, rng=1, starts=3)
    rows = []
    for module in (choosing, held_out):
        monkeypatch.setattr(module, "fit", lambda m, x, **more: rows.append(len(x)) or fit(m, x, **more))
    (found,) = choosing.candidates([mixture], x, rng=1, starts=3, folds=4)
    assert len(rows) == 5 and max(rows) == len(np.unique(x)) < 30
    assert found.elbo == pytest.approx(plain.elbo, rel=1e-9)
    assert found.held_out == pytest.approx(held.mean(), abs=1e-6)


def test_evidence_of_distinct_counts_is_that_of_all():
    """By sampling against all 2^12 assignments; 4.5 standard errors: wrong once in 150,000."""
    x = np.repeat([0.0, 2.0, 9.0], 4)[:, np.newaxis]
    mixture = Mixture(GammaPoisson(1.0, 0.2), DirichletWeights(1.0), 2)
    points, weight = choosing.distinct(mixture, x)
    assert len(points) == 3
    exact = log_evidence(mixture, x, method="enumeration", rng=1)
    sampled = log_evidence(mixture, points, method="importance", rng=1, sample_weight=weight)
    assert sampled.value == pytest.approx(exact.value, abs=4.5 * sampled.standard_error)
