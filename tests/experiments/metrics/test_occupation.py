"""How many points components hold under draws: against q(c), sampled assignments, and enumeration."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from experiments.metrics.allocation import occupation
from experiments.posterior.draws import as_arrays, as_tree
from experiments.posterior.predictive import log_terms
from experiments.records import MethodResult, Problem, Reference, Told
from experiments.references import reference
from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, NormalKnownVariance, fit
from hand_cavi.ascent.cautions import Occupation, doubt
from hand_cavi.gibbs.sampler import gibbs
from tests.experiments.fitted import context_for

RNG = np.random.default_rng(6)


def held(problem, draws, *, assigned=False):
    weight = np.ones(len(problem.x)) if problem.sample_weight is None else problem.sample_weight
    return Occupation.of(log_terms(problem, problem.x, draws), weight, assigned=assigned)


def test_of_a_q_with_assignments_they_are_its_responsibilities():
    x = np.concatenate([RNG.normal(0, 1, 60), RNG.normal(3, 1, 40)])[:, np.newaxis]
    weight = RNG.uniform(0.5, 2.0, len(x))
    mixture = Mixture(NormalGamma(0.0, 0.1, 3.0, 3.0), DirichletWeights(1.0), 2)
    q = fit(mixture, x, rng=1, starts=3, sample_weight=weight)
    found = held(Problem(mixture, x, weight), q.sample(2, 2000), assigned=True)
    np.testing.assert_allclose(found.points, q.counts, atol=0.5)  # E[ln p] by 2000 draws
    np.testing.assert_allclose(found.doubt, doubt(q, x, weight), rtol=0.03)
    (caution,) = found.cautions
    assert "mean-field standard deviations are too small" in caution


def test_of_draws_they_are_the_counts_of_sampled_assignments():
    x = np.array([-5.0, -4.0, -3.9, 4.2, 5.0])[:, np.newaxis]
    mixture = Mixture(NormalKnownVariance(0.0, 30.0), DirichletWeights(0.5), 3)
    chain = gibbs(mixture, x, rng=3, chains=4, draws=4000, tune=200, keep_assignments=True, permute=True)
    found = held(
        Problem(mixture, x), {name: one.reshape(-1, *one.shape[2:]) for name, one in chain.draws.items()}
    )
    counts = (chain.assignments[..., np.newaxis] == np.arange(3)).sum(axis=2).reshape(-1, 3)
    # Components are permuted at random, so that draws are all but independent: 6 figures within 5 sds.
    error = counts.std(axis=0) / np.sqrt(len(counts)) * 2
    assert (np.abs(found.points - counts.mean(axis=0)) < 5 * error).all()
    share = (counts == 0).mean(axis=0)
    assert (np.abs(found.empty - share) < 5 * 2 * np.sqrt(share * (1 - share) / len(counts))).all()


def test_how_often_a_component_is_empty_is_that_of_enumeration():
    """p(all points in one component | x) = 2 (1/2)^N N(x; 0, I + v 1 1') / p(x), K = 2 and equal weights."""
    x, variance = np.array([-0.4, 0.1, 0.3, 0.9]), 9.0
    problem = Problem(Mixture(NormalKnownVariance(0.0, variance), FixedWeights(), 2), x[:, np.newaxis])
    exact = reference(problem, method="enumeration", rng=1, n_draws=20_000)
    together = multivariate_normal(np.zeros(4), np.eye(4) + variance).logpdf(x)
    share = 2 * np.exp(together - 4 * np.log(2) - exact.log_evidence.value)
    found = held(problem, {name: one[:4000] for name, one in as_arrays(exact.draws).items()})
    assert found.empty.sum() == pytest.approx(share, abs=5 * 0.5 / np.sqrt(4000))  # 5 sds of a share
    assert found.points.sum() == pytest.approx(4.0)


def test_a_component_that_is_empty_in_some_draws_says_in_how_many():
    """Two points at 0; the second component is at 0 in a fifth of the draws, and else far away."""
    problem = Problem(Mixture(NormalKnownVariance(0.0, 9.0), FixedWeights(), 2), np.zeros((2, 1)))
    mu = np.zeros((100, 2, 1))
    mu[20:, 1] = 50.0
    found = held(problem, {"mu": mu})
    np.testing.assert_allclose(found.points, [1.8, 0.2])
    assert found.cautions[0] == "component 2 holds no points: its figures are the prior's"
    mu[:60, 1] = 0.0
    found = held(problem, {"mu": mu})
    np.testing.assert_allclose(found.empty, [0.6 / 4, 0.4 + 0.6 / 4])
    assert found.cautions[0] == (
        "component 1 holds no points in 15 %, component 2 holds no points in 55 % of the draws: there their "
        "figures are the prior's"
    )


def test_twenty_thousand_points_are_all_counted():
    """Nine of them are apart: the thinned points that name components may miss them all."""
    x = np.concatenate([RNG.normal(0, 1, 19_991), np.full(9, 40.0)])[:, np.newaxis]
    problem = Problem(Mixture(NormalKnownVariance(0.0, 900.0), DirichletWeights(1.0), 2), x)
    q = fit(problem.mixture, x, rng=1, starts=np.column_stack([x[:, 0] < 20, x[:, 0] > 20]).astype(float))
    for told in (Told(), Told(bound_of="theta and assignments")):
        result = MethodResult("converged", "", 0, 0, as_tree(q.sample(1, 100)), told=told)
        one = occupation(context_for(problem, result, Reference("none", False, "none")))
        np.testing.assert_allclose(one.value, [19_991, 9, 0, 0], atol=1e-3)
        assert one.note == ""
