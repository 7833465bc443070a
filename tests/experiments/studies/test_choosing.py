"""Choosing K: bounds against enumeration, held-out prediction against a plain refit, the command."""

import json

import numpy as np
import pytest

from experiments.commands.choose import read_numbers
from experiments.posterior import held_out
from experiments.report.figures.number_of_components import choosing_figure
from experiments.studies import choosing
from hand_cavi import (
    DirichletWeights,
    FixedWeights,
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
    assert (code, err) == (0, "") and "The bound is highest at K = 2" in out and "log p(x)" in out
    assert (here / "k.png").stat().st_size > 5000
    code, out, _ = elbowroom(*arguments, "--json")
    found = json.loads(out)["candidates"]
    assert [one["components"] for one in found] == [1, 2, 3] and code == 0
    code, out, _ = elbowroom("choose", "eight.csv", "--components", "1-3", "--folds", 0, "--json")
    assert json.loads(out)["candidates"][0]["held_out"] is None
    code, out, err = elbowroom("choose", "eight.csv", "--components", "1-3", "--folds", 1)
    assert code == 2 and "needs at least 2" in err
