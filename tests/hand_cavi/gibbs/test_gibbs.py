"""Blocked Gibbs against brute force, and against the prior that its data came from.

The brute force of `evidence` sums over all assignments by one-step-ahead predictives and shares nothing with
the sampler. Statistical tests look at t statistics of many independent chains or replications; no diagnostic
of autocorrelation is trusted. Each states its chance of a false alarm over seeds.
"""

import numpy as np
import pytest
from scipy.stats import rankdata

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalKnownVariance,
    StickBreaking,
    fit,
    log_joint,
)
from hand_cavi.gibbs.sampler import GibbsRun, conditional, gibbs
from tests.hand_cavi.cases import PAIRS, make
from tests.hand_cavi.evidence import URNS, log_evidence, log_joints

pairs = pytest.mark.parametrize(("family", "weights"), PAIRS)

X = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
K = 3


def textbook(k: int = 2) -> Mixture:
    return Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), k)


def flat(run: GibbsRun) -> dict[str, np.ndarray]:
    return {name: values.reshape(-1, *values.shape[2:]) for name, values in run.draws.items()}


def t_statistics(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the t statistics of independent rows, (R, anything), against their mean; 0 for constants."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    away = values.mean(axis=0) - truth
    constant = np.where(np.abs(away) < 1e-9, 0.0, np.inf)
    return np.divide(away, error, out=constant, where=error > 1e-12)


# ---- the right distribution -----------------------------------------------------------------


def chance_of_more(mixture, x, run, more, weight=None):
    """Return p(more | x, theta, pi) averaged over every chain, shape (C,)."""
    draws, w = flat(run), np.ones(len(x)) if weight is None else weight
    with_more = log_joint(mixture, np.vstack([x, more]), draws, np.append(w, np.ones(len(more))))
    without = log_joint(mixture, x, draws, weight)
    return np.exp(with_more - without).reshape(run.log_joint.shape).mean(axis=1)


@pytest.mark.parametrize(
    ("family", "weights"),
    [  # every family and every weights prior once or twice; all pairs together take a while
        pytest.param(*pair, marks=[] if i % 4 == i // 4 % 4 else pytest.mark.slow)
        for i, pair in enumerate(PAIRS)
    ],
)
def test_assignments_weights_and_predictions_are_the_enumerated_ones(family, weights):
    """About 500 t statistics with 39 degrees of freedom below 5.6: false alarm 0.1 % for all pairs together.

    Which points go together (and, where components have a meaning, into which), the chance that two more
    points go together, and the chance of more points, one and two: all exact, by brute force. Chances
    below 2 % or above 98 %, whose t statistics are not normal, are left out.
    """
    mixture, points = make(family, weights, K, 6, seed=60)
    x, more = points[:4], points[4:]
    run = gibbs(mixture, x, rng=61, chains=40, draws=400, tune=20)

    assignments, log_p = log_joints(mixture, x)
    total = np.logaddexp.reduce(log_p)
    posterior, c = np.exp(log_p - total), np.array(assignments)
    first, second = np.triu_indices(len(x), 1)
    n_pairs = len(first)
    found = [(run.assignments[..., first] == run.assignments[..., second]).mean(axis=1)]
    truth = [posterior @ (c[:, first] == c[:, second])]

    found += [chance_of_more(mixture, x, run, extra)[:, np.newaxis] for extra in (more[:1], more)]
    truth += [[np.exp(log_evidence(mixture, np.vstack([x, extra])) - total)] for extra in (more[:1], more)]

    urn = URNS[mixture.weights.name]
    counts = [np.bincount(row, minlength=K) for row in c]
    together = [
        sum(urn(mixture.weights, K, n)[k] * urn(mixture.weights, K, n + np.eye(K)[k])[k] for k in range(K))
        for n in counts
    ]
    pi = run.draws.get("weights", np.full((40, 400, K), 1 / K))
    found.append(np.square(pi).sum(axis=2).mean(axis=1, keepdims=True))
    truth.append([posterior @ together])
    if not mixture.weights.exchangeable:
        found += [pi.mean(axis=1), *((run.assignments == k).mean(axis=1) for k in range(K))]
        truth += [posterior @ [urn(mixture.weights, K, n) for n in counts]]
        truth += [posterior @ (c == k) for k in range(K)]

    values, exact = np.hstack(found), np.concatenate(truth)
    clear = (exact > 0.02) & (exact < 0.98)
    clear[n_pairs : n_pairs + 2] = True  # densities of more points may be any number
    assert np.abs(t_statistics(values[:, clear], exact[clear])).max() < 5.6


@pytest.mark.parametrize(
    ("family", "weights"),
    [
        ("normal_known_variance D=3", "stick_breaking"),
        ("normal_gamma D=2", "dirichlet"),
        ("normal_wishart D=3", "fixed"),
        ("gamma_poisson D=2", "stick_breaking"),
        ("dirichlet_categorical C=3", "dirichlet vector"),
    ],
)
def test_from_the_prior_to_the_prior(family, weights):
    """Gandy & Scott (2020): parameters of data from the prior stay distributed as the prior.

    theta, pi ~ prior, c, x given them, then sweeps from c: theta, pi after are distributed as before. The
    pooled ranks of all natural functions phi(theta) and of pi, and their distances from the middle rank, have
    mean 0, after minus before; about 220 t statistics below 5 (199 degrees of freedom): false alarm 0.03 %.
    """
    mixture, points = make(family, weights, K, 6, seed=0)
    prior = mixture.components.with_features(points.shape[1])
    rng = np.random.default_rng(62)
    before, after = [], []
    for _ in range(200):
        theta = [prior.sample(rng, 1) for _ in range(K)]
        draw = {name: np.stack([one[name][0] for one in theta]) for name in theta[0]}
        draw |= {name: values[0] for name, values in mixture.weights.sample(rng, 1).items()}
        c = rng.choice(K, size=6, p=draw.get("weights", np.full(K, 1 / K)))
        x = prior.sample_data(rng, draw, c)
        run = gibbs(mixture, x, rng=rng, chains=1, draws=1, tune=4, starts=np.eye(K)[c])
        before.append(functions(prior, {name: v[np.newaxis] for name, v in draw.items()}))
        after.append(functions(prior, flat(run)))
    ranks = rankdata(np.vstack(before + after), axis=0)
    ranks = np.hstack([ranks, np.abs(ranks - 200.5)])
    assert np.abs(t_statistics(ranks[200:] - ranks[:200], 0.0)).max() < 5


def functions(prior, draws):
    """Return all entries of phi(theta) of every component, and pi."""
    return np.concatenate([prior.phi(draws).ravel(), draws.get("weights", np.empty(0)).ravel()])


@pytest.mark.parametrize(
    ("family", "weights"),
    [
        ("normal_known_variance D=1", "dirichlet vector"),
        ("normal_gamma D=1", "stick_breaking"),
        ("gamma_poisson D=2", "dirichlet"),
        ("dirichlet_categorical C=3", "fixed"),
    ],
)
def test_a_weighted_row_is_that_many_equal_rows(family, weights):
    """Chances of more points against brute force on the repeated rows, t below 5.6: false alarm 1e-5."""
    mixture, points = make(family, weights, 2, 5, seed=63)
    x, more, weight = points[:4], points[4:], np.array([4.0, 1.0, 0.0, 2.0])
    run = gibbs(mixture, x, rng=64, chains=40, draws=400, tune=20, sample_weight=weight)
    repeated = np.repeat(x, weight.astype(int), axis=0)
    total = log_evidence(mixture, repeated)
    for extra in (more, np.vstack([more, x[:1]])):
        found = chance_of_more(mixture, x, run, extra, weight)[:, np.newaxis]
        truth = np.exp(log_evidence(mixture, np.vstack([repeated, extra])) - total)
        assert np.abs(t_statistics(found, truth)).max() < 5.6
    assert run.assignments is None
    np.testing.assert_allclose(
        run.log_joint.ravel(), log_joint(mixture, repeated, flat(run)), rtol=0, atol=1e-9
    )


# ---- numbers of components --------------------------------------------------------------------


def test_permuting_visits_all_numberings_alike_and_changes_nothing_else():
    """All 6 orders of the means within 4.8 binomial sds of 1/6, and the prediction: false alarm 2e-5."""
    mixture, more = textbook(3), np.array([[0.5]])
    x = X[::2, np.newaxis] * 2
    run = gibbs(mixture, x, rng=65, chains=100, draws=60, tune=25, permute=True)
    order = np.argsort(run.draws["mu"][..., 0], axis=2).reshape(-1, 3) @ [9, 3, 1]
    shares = np.unique(order, return_counts=True)[1] / len(order)
    assert len(shares) == 6
    assert np.abs(shares - 1 / 6).max() < 4.8 * np.sqrt(5 / 36 / len(order))
    truth = np.exp(log_evidence(mixture, np.vstack([x, more])) - log_evidence(mixture, x))
    found = chance_of_more(mixture, x, run, more)[:, np.newaxis]
    assert np.abs(t_statistics(found, truth)).max() < 5


def test_far_apart_clusters_change_sticks():
    """Two clusters that no point ever leaves: each chain puts the larger first as often as it should.

    300 draws a chain; their share is within 5 sds of independent draws, doubled for the autocorrelation of
    a chain that proposes the swap in every sweep: false alarm below 1e-5.
    """
    x = np.array([-40.0, -40.5, -39.5, -40.2, 41.0, 40.0])[:, np.newaxis]
    mixture = Mixture(NormalKnownVariance(0.0, 900.0), StickBreaking(0.8), 2)
    assignments, log_p = log_joints(mixture, x)
    posterior = np.exp(log_p - np.logaddexp.reduce(log_p))
    truth = posterior[[c[0] == 0 for c in assignments]].sum()
    run = gibbs(mixture, x, rng=66, chains=4, draws=300, tune=5)
    shares = (run.assignments[..., 0] == 0).mean(axis=1)
    assert np.abs(shares - truth).max() < 10 * np.sqrt(truth * (1 - truth) / 300)


# ---- the figures of a run ---------------------------------------------------------------------


@pairs
def test_log_joint_is_that_of_the_draws(family, weights):
    mixture, x = make(family, weights, K, 30, seed=67)
    run = gibbs(mixture, x, rng=68, chains=2, draws=5, tune=2)
    expected = log_joint(mixture, x, flat(run)).reshape(2, 5)
    np.testing.assert_allclose(run.log_joint, expected, rtol=1e-11)
    assert all(values.shape[:3] == (2, 5, K) for values in run.draws.values())
    assert run.assignments is not None and run.assignments.shape == (2, 5, 30)


def test_many_points_are_taken_block_by_block():
    mixture, x = make("normal_gamma D=2", "dirichlet", 4, 40_000, seed=69)
    run = gibbs(mixture, x, rng=70, chains=2, draws=2, tune=0)
    np.testing.assert_allclose(run.log_joint.ravel(), log_joint(mixture, x, flat(run)), rtol=1e-11)
    assert run.assignments is not None and run.assignments.dtype == np.int8
    assert set(np.unique(run.assignments[0, 0, -100:])) <= {0, 1, 2, 3}


def test_far_from_zero_is_as_near():
    """The same seed finds the same draws a million away, to rounding."""
    near = gibbs(textbook(), X, rng=71, chains=2, draws=20, tune=0)
    far = Mixture(NormalKnownVariance(1e6, 25.0), FixedWeights(), 2)
    away = gibbs(far, X + 1e6, rng=71, chains=2, draws=20, tune=0)
    np.testing.assert_allclose(away.draws["mu"] - 1e6, near.draws["mu"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(away.log_joint, near.log_joint, rtol=0, atol=1e-8)


def test_seeds_reproduce_and_runs_go_on():
    one, same, other = (gibbs(textbook(), X, rng=seed, draws=30, tune=0) for seed in (1, 1, 2))
    assert np.array_equal(one.draws["mu"], same.draws["mu"])
    assert not np.array_equal(one.draws["mu"], other.draws["mu"])
    generator = np.random.default_rng(1)
    first = gibbs(textbook(), X, rng=generator, draws=10, tune=0)
    second = gibbs(textbook(), X, rng=generator, draws=20, tune=0, starts=first)
    joined = np.concatenate([first.draws["mu"], second.draws["mu"]], axis=1)
    assert np.array_equal(one.draws["mu"], joined)


def test_thinning_keeps_every_third_sweep():
    plain, thinned = (gibbs(textbook(), X, rng=3, draws=n, tune=4, thin=t) for n, t in ((30, 1), (10, 3)))
    assert np.array_equal(thinned.draws["mu"], plain.draws["mu"][:, 2::3])
    assert thinned.assignments is not None and plain.assignments is not None
    assert np.array_equal(thinned.assignments, plain.assignments[:, 2::3])


def test_one_component_more_components_than_points_and_very_many():
    assert not gibbs(textbook(1), X, rng=0, chains=1, draws=3, tune=2).assignments.any()
    sticks = Mixture(NormalKnownVariance(0.0, 4.0), StickBreaking(1.0), 6)
    few = gibbs(sticks, [0.3, 0.5], rng=0, draws=3, tune=2)
    assert np.isfinite(few.log_joint).all()
    many = gibbs(textbook(200), X, rng=0, chains=1, draws=3, tune=2)
    assert many.assignments is not None and many.assignments.max() > 127
    assert gibbs(textbook(), X, rng=0, draws=3, tune=2, keep_assignments=False).assignments is None


@pairs
def test_conditional_is_an_update_from_the_assignments(family, weights):
    mixture, x = make(family, weights, K, 9, seed=72)
    c = np.array([0, 1, 2, 2, 1, 0, 0, 2, 2])
    components, pi = conditional(mixture, x, c)
    found = fit(mixture, x, rng=0, starts=np.eye(K)[c], max_sweeps=1)
    np.testing.assert_allclose(components.natural, found.components.natural, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(pi.mean(), found.weights.mean())


# ---- bad input ----------------------------------------------------------------------------------


def test_bad_input_gets_one_sentence():
    sticks = Mixture(NormalKnownVariance(0.0, 4.0), StickBreaking(1.0), 2)
    with pytest.raises(InputError, match=r"sample_weight is 0.5 in row 1; .* whole numbers"):
        gibbs(textbook(), X, rng=0, sample_weight=[1, 0.5, 1, 1, 1, 1, 1, 1])
    with pytest.raises(InputError, match="permute=True needs exchangeable weights"):
        gibbs(sticks, X, rng=0, permute=True)
    with pytest.raises(InputError, match="permute=True needs exchangeable weights"):
        gibbs(Mixture(sticks.components, DirichletWeights([1.0, 2.0]), 2), X, rng=0, permute=True)
    with pytest.raises(InputError, match="1 starts for 4 chains"):
        gibbs(textbook(), X, rng=0, starts=np.full((8, 2), 0.5))
    with pytest.raises(InputError, match="starts are no responsibilities"):
        gibbs(textbook(), X, rng=0, chains=1, starts=np.ones((8, 2)))
    run = gibbs(textbook(), X, rng=0, draws=2)
    for other, k in ((X[:7], 2), (X, 3)):
        with pytest.raises(InputError, match="has another number of points"):
            gibbs(textbook(k), other, rng=0, starts=run)
    for setting in ("chains", "draws", "thin"):
        with pytest.raises(InputError, match=f"{setting} is 0"):
            gibbs(textbook(), X, rng=0, **{setting: 0})
    with pytest.raises(InputError, match="the data hold nan"):
        gibbs(textbook(), [1.0, np.nan], rng=0)
    for wrong in ([0] * 7, [0] * 7 + [2], [-1] * 8, [0.5] * 8):
        with pytest.raises(InputError, match="assignments must be 8 whole numbers from 0 to 1"):
            conditional(textbook(), X, wrong)
