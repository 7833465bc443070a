"""Many small problems fitted at once: each is held against `fit` on it alone, of any family and weights."""

import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance, Status, fit, fit_many
from hand_cavi.ascent import together
from hand_cavi.ascent.starts import _mean
from hand_cavi.numerics.coordinates import Coordinates
from tests.hand_cavi.cases import FAMILIES, PAIRS, WEIGHTS

N, K = 17, 3
SEEDS = [3, 4, 5, 6]
SIMPLE = Mixture(NormalKnownVariance(0.0, 9.0), FixedWeights(), 2)


def data_sets(family: str, n: int = N) -> list[np.ndarray]:
    """Data sets of one shape, that lie in other places and so have coordinates of their own."""
    sets = [FAMILIES[family].data(np.random.default_rng(seed), n) for seed in SEEDS]
    return [x if FAMILIES[family].prior.discrete else 10.0 * i + x for i, x in enumerate(sets)]


def assert_same(together, alone):
    assert together.status is alone.status
    assert together.elbo == pytest.approx(alone.elbo, rel=1e-10)
    np.testing.assert_allclose(together.half_step_trace, alone.half_step_trace, rtol=1e-10)
    np.testing.assert_allclose(together.components.natural, alone.components.natural, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(together.counts, alone.counts, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(together.weights.mean(), alone.weights.mean(), rtol=1e-10)
    assert [one.kind for one in together.starts] == [one.kind for one in alone.starts]
    assert together.starts[0].sweeps == together.sweeps


@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_each_is_what_fitting_it_alone_gives(family, weights):
    """One start and a number of sweeps: with more, rounding may decide which of two equal ends is best."""
    mixture, xs = Mixture(FAMILIES[family].prior, WEIGHTS[weights](K), K), data_sets(family)
    sample_weight = np.random.default_rng(8).integers(1, 4, (len(xs), N)).astype(float)
    options = {"starts": 1, "max_sweeps": 25}
    found = fit_many(mixture, xs, rng=SEEDS, sample_weight=sample_weight, **options)
    for one, x, seed, weight in zip(found, xs, SEEDS, sample_weight, strict=True):
        assert_same(one, fit(mixture, x, rng=seed, sample_weight=weight, **options))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_all_starts_go_to_their_ends_and_the_best_wins(weights):
    family = "gamma_poisson D=2"
    mixture, xs = Mixture(FAMILIES[family].prior, WEIGHTS[weights](K), K), data_sets(family)
    found = fit_many(mixture, xs, rng=SEEDS, starts=4, tolerance_nats=1e-6)
    for one, x, seed in zip(found, xs, SEEDS, strict=True):
        alone = fit(mixture, x, rng=seed, starts=4, tolerance_nats=1e-6)
        assert one.status is alone.status
        elbos = [[start.elbo for start in each.starts] for each in (one, alone)]
        np.testing.assert_allclose(*elbos, rtol=1e-10)
        assert one.elbo == one.starts[0].elbo == one.elbo_trace[-1]


def test_those_under_way_are_worked_on_a_few_at_a_time(monkeypatch):
    family = "normal_gamma D=2"
    mixture, xs = Mixture(FAMILIES[family].prior, WEIGHTS["dirichlet"](K), K), data_sets(family)
    whole = fit_many(mixture, xs, rng=SEEDS, starts=3)
    monkeypatch.setattr(together, "_BLOCK", 2 * N * K)
    for one, before in zip(fit_many(mixture, xs, rng=SEEDS, starts=3), whole, strict=True):
        assert_same(one, before)


def test_starts_may_be_given_and_a_saddle_is_one():
    xs = np.random.default_rng(9).standard_normal((3, 30))
    begin = [np.full((30, 2), 0.5), np.eye(2)[(xs[1] > 0).astype(int)], np.full((1, 30, 2), 0.5)]
    found = fit_many(SIMPLE, xs, rng=1, starts=begin)
    assert [one.status for one in found[:2]] == [Status.SADDLE, Status.CONVERGED]
    for one, x, given in zip(found, xs, begin, strict=True):
        assert_same(one, fit(SIMPLE, x, rng=1, starts=given))


def test_one_seed_has_a_child_for_each():
    xs = np.random.default_rng(9).standard_normal((2, 20))
    children = np.random.default_rng(7).spawn(2)
    for one, x, child in zip(fit_many(SIMPLE, xs, rng=7, starts=2), xs, children, strict=True):
        assert_same(one, fit(SIMPLE, x, rng=child, starts=2))


def test_large_ones_are_fitted_one_after_another(monkeypatch):
    xs = np.random.default_rng(9).standard_normal((2, 20))
    small = fit_many(SIMPLE, xs, rng=SEEDS[:2], starts=2)
    monkeypatch.setattr(sys.modules["hand_cavi.fit_many"], "_SMALL", 20)
    monkeypatch.setattr(sys.modules["hand_cavi.fit_many"], "run_together", None)
    for one, before in zip(fit_many(SIMPLE, xs, rng=SEEDS[:2], starts=2), small, strict=True):
        assert_same(one, before)


@dataclass(frozen=True)
class OneByOne(FixedWeights):
    """Weights of somebody's own, who thought of one problem alone."""

    name: ClassVar[str] = "one_by_one"
    takes_many: ClassVar[bool] = False

    def updated(self, counts):
        assert counts.ndim == 1
        return self


def test_weights_that_know_of_one_problem_are_fitted_one_by_one():
    xs = np.random.default_rng(9).standard_normal((2, 20))
    found = fit_many(replace(SIMPLE, weights=OneByOne()), xs, rng=SEEDS[:2], starts=2)
    for one, alone in zip(found, fit_many(SIMPLE, xs, rng=SEEDS[:2], starts=2), strict=True):
        assert one.elbo == pytest.approx(alone.elbo, rel=1e-12)


class Stretched(NormalKnownVariance):
    """A family whose noise variance, no natural parameter, is another in each data set's coordinates."""

    def coordinates(self, x, weight):
        return Coordinates.centring(x, weight, self.mean, np.full(x.shape[1], x.std()))


def test_families_with_more_than_natural_parameters_are_fitted_one_by_one():
    xs = np.random.default_rng(9).standard_normal((2, 20)) * [[1.0], [3.0]]
    mixture = Mixture(Stretched(0.0, 9.0), FixedWeights(), 2)
    found = fit_many(mixture, xs, rng=SEEDS[:2], starts=2)
    for one, x, seed in zip(found, xs, SEEDS, strict=False):
        assert_same(one, fit(mixture, x, rng=seed, starts=2))


@pytest.mark.parametrize(
    ("xs", "options", "says"),
    [
        ([], {}, "there are no data sets"),
        ([[1.0, 2.0], [1.0, 2.0, 3.0]], {}, r"data set 1 .* has shape \(3, 1\), the first \(2, 1\)"),
        ([[1.0, 2.0], [1.0, np.nan]], {}, "not finite|nan"),
        ([[1.0, 2.0]], {"rng": [1, 2]}, "rng has length 2; 1 data sets need one for each"),
        ([[1.0, 2.0]], {"starts": np.ones((3, 1, 2, 2)) / 2}, "starts has length 3"),
        ([[1.0, 2.0]], {"sample_weight": [[1.0, 1.0], [1.0, 1.0]]}, "sample_weight has length 2"),
        ([[1.0, 2.0]], {"max_sweeps": 0}, "max_sweeps is 0"),
        ([[1.0, 2.0]], {"starts": 0}, "starts is 0"),
        ([[1.0, 2.0]], {"starts": 2.5}, "starts is 2.5; 1 data sets need a sequence"),
        ([[1.0, 2.0]], {"starts": [[0.5, 0.5]]}, "starts have shape"),
    ],
)
def test_what_cannot_be_fitted_is_named(xs, options, says):
    with pytest.raises(InputError, match=says):
        fit_many(SIMPLE, xs, **{"rng": 1, **options})


def test_means_of_a_split_are_those_of_numpy():
    """It is written out, since numpy.average takes five times as long: it must be the same, bit for bit."""
    rng = np.random.default_rng(12)
    for n, d in ((1, 1), (7, 2), (130, 1), (300, 5)):
        x, weight = rng.standard_normal((n, d)), rng.random(n) + 0.01
        assert np.array_equal(_mean(x, weight), np.average(x, axis=0, weights=weight))
