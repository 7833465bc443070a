"""Several optima of CAVI as one mixture: by enumeration, and by identities of mixtures.

x = -4, 0, 4 (three points about each) under two components: either the middle goes with the left, or with
the right. These are two modes beyond the numbering of components.
"""

import numpy as np
import pytest

from experiments.methods import cavi, cavi_mixture, label
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.several_parts import mixed
from experiments.methods.starts import Starts
from experiments.metrics.bounds import density_mass, recomputed_bound, symmetrised_bound
from experiments.metrics.moments import mean_error, sd_ratio
from experiments.posterior.mixture_of_approximations import MixtureOfApproximations, best_shares, log_mixture
from experiments.posterior.symmetrised import EXACT, log_q_symmetrised, symmetrise
from experiments.records import Problem
from experiments.references import reference
from hand_cavi import DirichletWeights, FixedWeights, InputError, Mixture, NormalKnownVariance, StickBreaking
from hand_cavi import fit as fit_mixture
from tests.experiments.fitted import context_for, result_of

X = np.array([-4.2, -4.0, -3.8, -0.25, 0.05, 0.35, 3.8, 4.0, 4.2])[:, np.newaxis]


@pytest.fixture(scope="module")
def problem():
    return Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X)


@pytest.fixture(scope="module")
def truth(problem):
    return reference(problem, method="enumeration", rng=1, n_draws=20_000)


@pytest.fixture(scope="module")
def contexts(problem, truth):
    """The mixture's, and CAVI's own."""
    made = []
    for kind, method in (("cavi_mixture", cavi_mixture), ("cavi", cavi)):
        settings = method.Settings(starts=10, draws=20_000)
        made.append(context_for(problem, result_of(kind, problem, settings, starts=5, seed=6), truth))
    return made


def test_both_modes_are_found_and_the_truth_is_nearer(contexts, truth):
    both, single = contexts
    shares = both.result.info["shares"]  # of a third, with all points in one component, next to nothing
    assert min(shares[:2]) > 0.2 and shares[2:] == [pytest.approx(0, abs=1e-4)]
    bounds = [symmetrised_bound(one) for one in contexts]
    error = np.hypot(*(one.standard_error for one in bounds))
    assert bounds[0].value - bounds[1].value > 0.3
    assert bounds[0].value < truth.log_evidence.value + 5 * error
    off = [np.abs(np.log(sd_ratio(one).value)).max() for one in contexts]
    assert off[0] < 0.15 < 0.5 < off[1]
    off = [np.abs(mean_error(one).value).max() for one in contexts]
    assert off[0] < 0.1 < 0.5 < off[1]


def test_its_bound_is_that_of_its_q_and_its_density_that_of_its_draws(contexts):
    both = contexts[0]
    found, said = recomputed_bound(both), both.result
    assert abs(found.value - said.bound) < 4 * np.hypot(found.standard_error, said.bound_se)
    mass = density_mass(both)
    assert abs(mass.value) < 5 * mass.standard_error < 0.1
    assert label("cavi_mixture") == "CAVI, all optima"


def test_optima_are_told_apart_up_to_their_numbering(problem):
    r = np.zeros((9, 2))
    r[:6, 0] = r[6:, 1] = 1
    other = np.zeros((9, 2))
    other[:3, 0] = other[3:, 1] = 1
    for weights, n in ((FixedWeights(), 2), (DirichletWeights(2.0), 2), (StickBreaking(1.0), 4)):
        one = Problem(Mixture(problem.mixture.components, weights, 2), X)
        starts = (r, r[:, ::-1], other, other[:, ::-1])
        ends = [fit_mixture(one.mixture, X, rng=1, starts=start) for start in starts]
        found = cavi_mixture.distinct(one, ends)
        assert len(found) <= n and (len(found) > 2) == (n == 4)  # sticks have an order
        assert found[0].elbo == max(end.elbo for end in ends)


def test_components_are_emptied_one_by_one():
    r = np.random.default_rng(1).dirichlet(np.ones(3), size=(4, 5))
    found = cavi_mixture.emptied(r)
    assert len(found) == 1 + 4
    np.testing.assert_allclose(found[0], np.tile([1.0, 0, 0], (5, 1)))
    np.testing.assert_allclose(
        found[2], np.stack([r[1, :, 0], r[1, :, 1] + r[1, :, 2], 0 * r[1, :, 0]], axis=1)
    )


def test_shares_are_the_softmax_of_f_where_parts_are_far_apart_and_the_best_elsewhere():
    """Draws from normals, p a mixture of them: the best shares are those of p, which F says too."""
    rng = np.random.default_rng(3)
    for apart, tolerance in ((40.0, 1e-6), (1.5, 0.03)):
        centres, shares = np.array([0.0, apart]), np.array([0.3, 0.7])
        draws = centres[:, np.newaxis] + rng.standard_normal((2, 20_000))
        log_parts = -0.5 * (draws[..., np.newaxis] - centres) ** 2
        found = best_shares(log_mixture(log_parts, shares), log_parts)
        np.testing.assert_allclose(found, shares, atol=tolerance)
    log_p = np.array([[3.0, 3.2], [1.0, 1.4]])
    far = np.where(np.eye(2, dtype=bool)[:, np.newaxis], 0.0, -1e9) * np.ones((2, 2, 1))
    f = log_p.mean(axis=1)
    np.testing.assert_allclose(best_shares(log_p, far), np.exp(f) / np.exp(f).sum(), rtol=1e-9)


def test_a_part_that_is_there_twice_or_overflows_changes_nothing(problem):
    target = MixtureTarget(problem)
    best = fit_mixture(problem.mixture, X, rng=1, starts=Starts(problem, 5).responsibilities(5))

    class Wild:
        def sample(self, rng, n):
            return {"mu": np.full((n, 2, 1), np.inf)}

        def log_density(self, draws):
            return np.zeros(len(draws["mu"]))

    with np.errstate(invalid="ignore", over="ignore"):
        found = mixed(target, [best, best, Wild()], 1)
    assert found.shares[2] == 0 and found.shares.sum() == pytest.approx(1)
    draws = found.q.sample(np.random.default_rng(1), 500)
    np.testing.assert_allclose(found.q.log_density(draws), best.log_density(draws), rtol=1e-12)


def test_the_symmetrised_mixture_is_the_average_over_all_numberings(problem):
    ends = [fit_mixture(problem.mixture, X, rng=seed, starts=1) for seed in range(6)]
    parts = tuple(cavi_mixture.distinct(problem, ends))
    assert len(parts) == 2
    q = MixtureOfApproximations(parts, np.array([0.4, 0.6]))
    draws = q.sample(np.random.default_rng(1), 200)
    swapped = {"mu": draws["mu"][:, ::-1]}
    plain = np.logaddexp(q.log_density(draws), q.log_density(swapped)) - np.log(2)
    found = symmetrise(q, draws, problem.mixture)
    assert found.how == EXACT and not found.slack.any()
    np.testing.assert_allclose(found.log_q, plain, rtol=1e-12)
    np.testing.assert_allclose(log_q_symmetrised(q, draws, problem.mixture), plain, rtol=1e-12)


@pytest.mark.parametrize("shares", [[0.5, 0.6], [1.0], [1.5, -0.5]])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InputError, match="each part needs one"):
        MixtureOfApproximations((None, None), np.array(shares))
