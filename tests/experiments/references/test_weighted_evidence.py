"""log p(x) of weighted rows: as of the points they stand for, one by one."""

from itertools import product

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp
from scipy.stats import poisson

from experiments.posterior.draws import as_arrays
from experiments.records import Problem
from experiments.references import enumeration, log_evidence, reference
from experiments.studies.choosing import candidates
from hand_cavi import DirichletWeights, FixedWeights, GammaPoisson, InputError, Mixture, fit
from hand_cavi.numerics.partitions import compositions
from tests.hand_cavi import evidence
from tests.hand_cavi.cases import PAIRS, make

DAYS = np.array([162, 267, 271, 185, 111, 61, 27, 8, 3, 1.0])
DEATHS = np.arange(10.0)


def death_notices(k):
    """The model that `fit` gives ten counts of death notices: rate ~ Gamma(1, 1 / mean)."""
    return Mixture(GammaPoisson(1.0, DAYS.sum() / (DAYS @ DEATHS)), DirichletWeights(1.0), k)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_a_row_of_weight_w_is_w_points(family, weights, k):
    """Against all K^N assignments of the repeated points, by predictive distributions one after the other."""
    mixture, x = make(family, weights, k, n=4, seed=7)
    weight = np.array([1.0, 3.0, 0.0, 2.0])
    repeated = np.repeat(x, weight.astype(int), axis=0)
    truth = evidence.log_evidence(mixture, repeated)
    found = log_evidence(mixture, x, method="enumeration", rng=0, sample_weight=weight)
    assert found.is_exact and found.value == pytest.approx(truth, abs=1e-10)
    assert abs(found.value - truth) <= 1e-12 + found.standard_error + 1e-13 * abs(truth)
    plain = log_evidence(mixture, repeated, method="enumeration", rng=0)
    assert found.value == pytest.approx(plain.value, abs=1e-10)


@pytest.mark.parametrize(("k", "weights", "ways"), [(2, "dirichlet", 4 * 4 * 3), (3, "stick_breaking", 600)])
def test_equal_points_are_one_row_where_their_assignments_are_too_many(k, weights, ways, monkeypatch):
    mixture, x = make("gamma_poisson D=2", weights, k, n=3, seed=7)
    repeated = np.repeat(x, [3, 3, 2], axis=0)
    truth = log_evidence(mixture, repeated, method="enumeration", rng=0)
    monkeypatch.setattr(enumeration, "MAX_ASSIGNMENTS", ways)  # of 2^8 and 3^8
    merged = log_evidence(mixture, repeated[::-1], method="enumeration", rng=0)
    assert merged.value == pytest.approx(truth.value, abs=1e-10)
    monkeypatch.setattr(enumeration, "MAX_ASSIGNMENTS", ways - 1)
    with pytest.raises(InputError, match=f"8 points and {k} components have {k}\\^8 assignments"):
        log_evidence(mixture, repeated, method="enumeration", rng=0)


@pytest.mark.parametrize(("family", "weights"), PAIRS[::3])
def test_draws_of_weighted_rows_are_those_of_the_points(family, weights):
    """Means and squares of every parameter, summed over components: 5 standard errors, 6e-7 each."""
    mixture, x = make(family, weights, 2, n=3, seed=2)
    weight = np.array([2.0, 1.0, 3.0])
    one = reference(Problem(mixture, x, weight), method="enumeration", rng=1)
    other = reference(Problem(mixture, np.repeat(x, [2, 1, 3], axis=0)), method="enumeration", rng=2)
    first, second = as_arrays(one.draws), as_arrays(other.draws)
    for name in first:
        for values in (np.arctan, np.square, np.tanh):
            means, errors = [], []
            for draws in (first, second):
                each = np.tanh(values(draws[name])).reshape(len(draws[name]), 2, -1).sum(axis=(1, 2))
                means.append(each.mean())
                errors.append(each.std() / np.sqrt(len(each)))
            assert abs(means[0] - means[1]) <= 5 * np.hypot(*errors)


@pytest.mark.parametrize(("family", "weights"), PAIRS[::4])
def test_one_component_takes_any_weights_as_cavi_does(family, weights):
    """The bound of one component is exact, so that CAVI's is the integral of the tempered likelihood."""
    mixture, x = make(family, weights, 1, n=5, seed=3)
    weight = np.array([0.3, 2.7, 1.0, 0.0, 5.5])
    bound = fit(mixture, x, rng=0, starts=1, sample_weight=weight).elbo
    found = log_evidence(mixture, x, rng=0, sample_weight=weight)
    assert found.is_exact and found.value == pytest.approx(bound, abs=1e-9)


def test_several_components_have_no_assignments_of_parts_of_points():
    mixture, x = make("gamma_poisson D=2", "fixed", 2, n=2, seed=3)
    with pytest.raises(InputError, match="weights that are no whole numbers leave no points to assign"):
        log_evidence(mixture, x, method="enumeration", rng=0, sample_weight=[0.5, 2.0])


def test_the_death_notices_of_one_component():
    """Gamma-Poisson by hand, of ten rows and of 1,096 points."""
    shape, rate, total = 1.0, death_notices(1).components.rate.item(), DAYS @ DEATHS
    truth = shape * np.log(rate) - gammaln(shape) + gammaln(shape + total)
    truth -= (shape + total) * np.log(rate + DAYS.sum()) + DAYS @ gammaln(DEATHS + 1)
    table = log_evidence(death_notices(1), DEATHS, rng=0, sample_weight=DAYS)
    points = log_evidence(death_notices(1), np.repeat(DEATHS, DAYS.astype(int)), rng=0)
    assert table.is_exact and points.is_exact
    assert table.value == pytest.approx(truth, abs=1e-9) and points.value == pytest.approx(truth, abs=1e-9)
    (one,) = candidates([death_notices(1)], DEATHS[:, np.newaxis], rng=1, folds=0, sample_weight=DAYS)
    assert one.evidence is not None and one.evidence.value == table.value


@pytest.mark.parametrize("method", ["bridge", "importance"])
def test_the_death_notices_of_two_components(method):
    """Against a product rule over weight and both rates: 5 of its own standard errors, 6e-7."""
    rate = death_notices(2).components.rate.item()
    node, share = np.polynomial.legendre.leggauss(60)
    w, w_share = (node + 1) / 2, share / 2
    r, r_share = (node + 1) * 2.5, share * 2.5  # beyond 5 there is nothing
    likelihood = poisson.pmf(DEATHS, r[:, np.newaxis])
    prior = np.log(rate) - rate * r + np.log(r_share)
    terms = [
        np.log(of_w)
        + prior[:, np.newaxis]
        + prior
        + np.log(at * likelihood[:, np.newaxis] + (1 - at) * likelihood[np.newaxis]) @ DAYS
        for at, of_w in zip(w, w_share, strict=True)
    ]
    truth = logsumexp(np.array(terms))
    found = log_evidence(death_notices(2), DEATHS, method=method, rng=3, sample_weight=DAYS)
    assert abs(found.value - truth) <= 5 * found.standard_error


def test_compositions_are_all_ways_to_give_points_away():
    for w, k in product(range(5), (1, 2, 3, 4)):
        found = compositions(w, k)
        every = {c for c in product(range(w + 1), repeat=k) if sum(c) == w}
        assert {tuple(map(int, c)) for c in found} == every and len(found) == len(every)


def test_a_choice_of_weighted_rows_is_that_of_the_points():
    """K = 1 and 2 exact, of rows and of points alike."""
    x, weight = np.array([[0.0], [1.0], [7.0]]), np.array([4.0, 3.0, 5.0])
    mixtures = [Mixture(GammaPoisson(1.0, 0.3), FixedWeights(), k) for k in (1, 2)]
    rows = candidates(mixtures, x, rng=1, folds=0, sample_weight=weight)
    points = candidates(mixtures, np.repeat(x, [4, 3, 5], axis=0), rng=1, folds=0)
    for one, other in zip(rows, points, strict=True):
        assert one.evidence is not None and other.evidence is not None
        assert one.evidence.is_exact and one.evidence.value == pytest.approx(other.evidence.value, abs=1e-10)
