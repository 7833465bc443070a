"""References against brute force, scipy's integrators and each other; the NUTS gate against bad chains.

Statistical tests have fixed seeds; each states its false-alarm rate over seeds.
"""

from decimal import Decimal, localcontext
from itertools import product

import numpy as np
import pytest
from scipy.integrate import cubature
from scipy.stats import multivariate_normal, norm

from experiments.posterior.draws import as_arrays, sorted_location
from experiments.records import Draws, Problem
from experiments.references import log_evidence, nuts, quadrature, reference
from experiments.references._density_of_means import DensityOfMeans
from experiments.references._gate import examine_quantities
from experiments.references._grid import sparse_grid
from hand_cavi import FixedWeights, InputError, Mixture, NormalGamma, NormalKnownVariance
from ppl_baselines.draws import to_datatree

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
LOG_EVIDENCE = -17.990121876653  # docs/mathematics.md, 11


def textbook(n_components: int, variance: float = 25.0, noise: float = 1.0, mean: float = 0.0) -> Mixture:
    return Mixture(NormalKnownVariance(mean, variance, noise), FixedWeights(), n_components)


def brute_force(mixture: Mixture, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Sum over all assignments: log p(x), and E of sum_k mu_k and of sum_k mu_k^2, each (D,).

    Each block's marginal is a multivariate normal with covariance noise I + variance 11', feature by
    feature; nothing of hand_cavi is used but the prior's numbers.
    """
    prior = mixture.components
    assert isinstance(prior, NormalKnownVariance)
    v, s = float(prior.variance), prior.noise_variance
    n_points, n_features = x.shape
    n_components = mixture.n_components
    prior_mean = np.broadcast_to(prior.mean, n_features)
    log_p, first, second = [], [], []
    for assignment in product(range(n_components), repeat=n_points):
        c = np.array(assignment)
        total = -n_points * np.log(n_components)
        mean, square = np.empty((n_components, n_features)), np.empty((n_components, n_features))
        for k in range(n_components):
            block = x[c == k]
            n = len(block)
            spread = 1 / (1 / v + n / s)
            for d in range(n_features):
                if n:
                    covariance = s * np.eye(n) + v
                    total += multivariate_normal(np.full(n, prior_mean[d]), covariance).logpdf(block[:, d])
                mean[k, d] = spread * (prior_mean[d] / v + block[:, d].sum() / s)
                square[k, d] = spread + mean[k, d] ** 2
        log_p.append(total)
        first.append(mean.sum(axis=0))
        second.append(square.sum(axis=0))
    log_evidence = float(np.logaddexp.reduce(log_p))
    share = np.exp(np.array(log_p) - log_evidence)
    return log_evidence, share @ np.array(first), share @ np.array(second)


def assert_moments(draws: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """The sums over components of mu and mu^2 within 4.5 standard errors: false alarm 7e-6 a number."""
    for power, exact in ((1, first), (2, second)):
        values = (draws**power).sum(axis=1)
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        assert np.all(np.abs(values.mean(axis=0) - exact) < 4.5 * error)


@pytest.mark.parametrize("method", ["enumeration", "quadrature"])
def test_the_fixture(method: str) -> None:
    estimate = log_evidence(textbook(2), EIGHT, method=method, rng=0)
    assert estimate.value == pytest.approx(LOG_EVIDENCE, abs=1e-9)
    assert estimate.standard_error < 1e-9
    assert estimate.method == method


def block_of_normals(block: list[Decimal], mean: Decimal, v: Decimal) -> Decimal:
    """Log marginal density of points under N(mu, 1) with mu ~ N(mean, v), in 50 digits."""
    n, two_pi = len(block), Decimal("6.28318530717958647692528676655900576839433879875021")
    if not n:
        return Decimal(0)
    centre = sum(block) / n
    within = sum((point - centre) ** 2 for point in block)
    spread = v + Decimal(1) / n
    norming = (n - 1) * two_pi.ln() + Decimal(n).ln() + (two_pi * spread).ln()
    return -(norming + within + (centre - mean) ** 2 / spread) / 2


@pytest.mark.parametrize(
    ("place", "variance"), [(0.0, 25.0), (1e6, 25.0), (1e6, 1e4), (1e6, 1e12), (1e7, 25.0)]
)
def test_enumeration_states_what_rounding_may_have_lost(place: float, variance: float) -> None:
    """Against the same sum in 50 digits: data far from a narrow prior are 1e-6 nats off and more."""
    x = np.random.default_rng(3).normal(size=6) * 2 + place
    with localcontext(prec=50):
        points, terms = [Decimal(float(point)) for point in x], []
        for assignment in product((0, 1), repeat=len(x)):
            blocks = [[one for one, c in zip(points, assignment, strict=True) if c == k] for k in (0, 1)]
            each = (block_of_normals(block, Decimal(0), Decimal(variance)) for block in blocks)
            terms.append(sum(each, -len(x) * Decimal(2).ln()))
        truth = max(terms) + sum((term - max(terms)).exp() for term in terms).ln()
        estimate = log_evidence(textbook(2, variance), x, method="enumeration", rng=0)
        off = abs(float(Decimal(estimate.value) - truth))
    assert off <= estimate.standard_error
    assert estimate.standard_error <= 1e-13 * (1 + abs(estimate.value))
    assert estimate.is_exact and estimate.error_is == "rounding"


def test_enumeration_that_rounding_has_spoilt_does_not_qualify() -> None:
    mixture = Mixture(NormalGamma(0.0, 1.0, 2.0, 1.0), FixedWeights(), 2)
    with pytest.raises(InputError, match="rounding may have lost .* nats"):
        log_evidence(mixture, EIGHT + 1e8, method="enumeration", rng=0)


def test_quadrature_states_the_rounding_of_either_unit() -> None:
    """In units where log p(x) is about 0 its parts are not: they are of the size of N ln(scale)."""
    scale = float(np.exp(LOG_EVIDENCE / 8))
    mixture, x = textbook(2, 25.0 * scale**2, scale**2), EIGHT * scale
    truth = log_evidence(mixture, x, method="enumeration", rng=0)
    estimate = log_evidence(mixture, x, method="quadrature", rng=0)
    assert abs(truth.value) < 1e-9
    assert abs(estimate.value - truth.value) <= estimate.standard_error + truth.standard_error
    assert estimate.standard_error >= 2 * quadrature.ROUNDING * abs(LOG_EVIDENCE)


@pytest.mark.parametrize(("n_components", "n_features"), [(1, 1), (2, 1), (3, 1), (4, 1), (2, 3)])
def test_enumeration_equals_brute_force(n_components: int, n_features: int) -> None:
    x = np.random.default_rng(5).normal(size=(5, n_features)) * 2 + 1
    mixture = textbook(n_components, variance=9.0, noise=0.5, mean=0.7)
    exact, first, second = brute_force(mixture, x)
    found = reference(Problem(mixture, x), method="enumeration", rng=1)
    assert found.qualified
    assert found.log_evidence is not None and found.draws is not None
    assert found.log_evidence.value == pytest.approx(exact, abs=1e-10)
    assert_moments(as_arrays(found.draws)["mu"], first, second)


def test_quadrature_equals_brute_force() -> None:
    x = np.array([[-1.0], [0.3], [0.8], [2.5], [2.9]])
    mixture = textbook(3, variance=4.0, noise=0.6, mean=1.0)
    exact, first, second = brute_force(mixture, x)
    found = reference(Problem(mixture, x), method="quadrature", rng=2)
    assert found.log_evidence is not None and found.draws is not None
    assert found.log_evidence.value == pytest.approx(exact, abs=1e-9)
    assert_moments(as_arrays(found.draws)["mu"], first, second)


def test_enumeration_where_weights_are_not_exchangeable() -> None:
    """Weights that are told apart: all K^N assignments count, and components keep their places."""
    share = np.array([0.7, 0.3])

    class Unequal(FixedWeights):
        exchangeable = False

        def log_marginal(self, counts: np.ndarray) -> np.ndarray:
            return counts @ np.log(share)

    x = np.array([[-1.0], [0.2], [1.5]])
    mixture = Mixture(NormalKnownVariance(0.0, 4.0), Unequal(), 2)
    exact = -np.inf
    mean = np.zeros(2)
    for c in product((0, 1), repeat=3):
        block = [x[np.array(c) == k, 0] for k in (0, 1)]
        log_p = np.log(share[list(c)]).sum()
        for points in block:
            n = len(points)
            if n:
                log_p += multivariate_normal(np.zeros(n), np.eye(n) + 4.0).logpdf(points)
        means = np.array([points.sum() / (len(points) + 1 / 4) for points in block])
        mean += np.exp(log_p) * means
        exact = np.logaddexp(exact, log_p)
    found = reference(Problem(mixture, x), method="enumeration", rng=3)
    assert found.log_evidence is not None and found.draws is not None
    assert found.log_evidence.value == pytest.approx(exact, abs=1e-10)
    mu = as_arrays(found.draws)["mu"][:, :, 0]
    error = mu.std(axis=0) / np.sqrt(len(mu))
    assert np.all(np.abs(mu.mean(axis=0) - mean / np.exp(exact)) < 4.5 * error)  # false alarm 1.4e-5


def test_quadrature_equals_scipy() -> None:
    x = np.array([-1.2, -0.4, 0.1, 0.9, 1.6])
    weight = np.array([0.5, 3.0, 1.0, 2.25, 0.0])

    def density(mu: np.ndarray) -> np.ndarray:
        each = norm.pdf(x, mu[:, :1], 1) / 2 + norm.pdf(x, mu[:, 1:], 1) / 2
        return np.exp(np.log(each) @ weight + norm.logpdf(mu, 0, 2).sum(axis=1))

    exact = np.log(cubature(density, [-14, -14], [14, 14], rtol=1e-10, atol=0).estimate)
    estimate = log_evidence(textbook(2, 4.0), x, method="quadrature", rng=0, sample_weight=weight)
    assert estimate.value == pytest.approx(exact, abs=1e-9)


def test_weights_stand_for_repeated_points() -> None:
    x, times = np.array([-2.0, -1.0, 0.5, 3.0]), np.array([4, 1, 2, 5])
    whole = log_evidence(textbook(3), np.repeat(x, times), method="quadrature", rng=0)
    weighted = log_evidence(textbook(3), x, method="quadrature", rng=0, sample_weight=times)
    assert weighted.value == pytest.approx(whole.value, abs=1e-9)


@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize(
    ("variance", "noise", "mean"), [(25.0, 1.0, 0.0), (0.1, 7.0, -3.0), (1e4, 1.0, 0.0), (25.0, 0.01, 30.0)]
)
def test_quadrature_equals_enumeration(n_components: int, variance: float, noise: float, mean: float) -> None:
    mixture = textbook(n_components, variance, noise, mean)
    x = np.random.default_rng(11).normal(size=7) * 2
    exact = log_evidence(mixture, x, method="enumeration", rng=0)
    estimate = log_evidence(mixture, x, method="quadrature", rng=0)
    assert estimate.value == pytest.approx(exact.value, abs=1e-9)
    assert abs(estimate.value - exact.value) <= estimate.standard_error + 1e-12


@pytest.mark.slow
def test_quadrature_of_four_components_equals_enumeration() -> None:
    x = np.random.default_rng(11).normal(size=7) * 2
    exact = log_evidence(textbook(4, 9.0), x, method="enumeration", rng=0)
    estimate = log_evidence(textbook(4, 9.0), x, method="quadrature", rng=0)
    assert estimate.value == pytest.approx(exact.value, abs=1e-8)
    assert abs(estimate.value - exact.value) <= estimate.standard_error + 1e-12


def test_quadrature_far_from_the_data() -> None:
    """More clusters than components, a hundred sds apart: exponentials vanish, logs do not."""
    x = np.array([-200.0, -100.0, 0.0, 100.0, 200.0])
    exact = log_evidence(textbook(2, 1e4), x, method="enumeration", rng=0)
    estimate = log_evidence(textbook(2, 1e4), x, method="quadrature", rng=0)
    assert estimate.value == pytest.approx(exact.value, abs=1e-9 * abs(exact.value))


def test_shift_and_scale_change_the_evidence_as_they_must() -> None:
    x = np.random.default_rng(3).normal(size=40) * 2
    here = log_evidence(textbook(3), x, method="quadrature", rng=0).value
    there = log_evidence(textbook(3, 25.0 * 9, 9.0, 1e6), 3 * x + 1e6, method="quadrature", rng=0).value
    assert there == pytest.approx(here - 40 * np.log(3), rel=1e-8)


def test_what_the_grid_leaves_out_is_negligible() -> None:
    """Independently: the same sum over every node of the full cube."""
    x = np.random.default_rng(4).normal(size=6) * 2
    density = DensityOfMeans(x, np.ones(6), 0.0, 9.0, 2)
    grid = sparse_grid(density, 1.0)
    nodes = np.arange(grid.axis.n_nodes)
    every = np.array(list(product(nodes, repeat=2)))
    log_mass = density.log_density(grid.axis.at(every)) + grid.axis.log_width(every).sum(axis=1)
    assert len(grid.nodes) < len(every) / 2
    full = float(np.logaddexp.reduce(log_mass))
    assert grid.log_evidence == pytest.approx(full, abs=1e-9)
    assert full <= np.logaddexp(grid.log_evidence, grid.log_left_out) + 1e-12


def test_bounds_of_boxes_are_bounds() -> None:
    rng = np.random.default_rng(9)
    density = DensityOfMeans(rng.normal(size=30), rng.random(30), 0.4, 4.0, 3)
    low = rng.normal(size=(200, 3)) * 3
    high = low + rng.random((200, 3))
    inside = low + rng.random((200, 3)) * (high - low)
    assert np.all(density.log_density(inside) <= density.upper_bound(low, high) + 1e-12)


def test_draws_of_both_exact_references_agree() -> None:
    """Means and sds of the sorted means within 4.5 standard errors: false alarm 4e-5 over seeds."""
    problem = Problem(textbook(3), EIGHT[:, np.newaxis])
    sorted_draws = []
    for method in ("enumeration", "quadrature"):
        found = reference(problem, method=method, rng=17)
        assert found.draws is not None
        sorted_draws.append(sorted_location(found.draws)[0, :, :, 0])
    a, b = sorted_draws
    for power in (1, 2):
        difference = (a**power).mean(axis=0) - (b**power).mean(axis=0)
        error = np.sqrt((a**power).var(axis=0) / len(a) + (b**power).var(axis=0) / len(b))
        assert np.all(np.abs(difference) < 4.5 * error)


def test_draws_name_components_at_random() -> None:
    """The first component is the smallest in half of the draws: false alarm 7e-6."""
    for method in ("enumeration", "quadrature"):
        found = reference(Problem(textbook(2), EIGHT[:, np.newaxis]), method=method, rng=8)
        assert found.draws is not None
        mu = as_arrays(found.draws)["mu"][:, :, 0]
        share = np.mean(mu[:, 0] < mu[:, 1])
        assert abs(share - 0.5) < 4.5 * 0.5 / np.sqrt(len(mu))


def test_the_same_seed_gives_the_same_draws() -> None:
    problem = Problem(textbook(2), EIGHT[:, np.newaxis])
    for method in ("enumeration", "quadrature"):
        one, two = (reference(problem, method=method, rng=5, n_draws=50).draws for _ in range(2))
        assert one is not None and two is not None
        assert np.array_equal(as_arrays(one)["mu"], as_arrays(two)["mu"])


def test_auto_takes_the_best_that_applies() -> None:
    few, many = EIGHT[:, np.newaxis], np.tile(EIGHT, 5)[:, np.newaxis]
    assert reference(Problem(textbook(2), few), rng=0, n_draws=0).method == "enumeration"
    assert reference(Problem(textbook(2), many), rng=0, n_draws=0).method == "quadrature"
    assert not reference(Problem(textbook(2), few), method="none", rng=0).qualified


def test_bad_requests_get_one_sentence() -> None:
    with pytest.raises(InputError, match="reference 'magic' is unknown"):
        reference(Problem(textbook(2), EIGHT[:, np.newaxis]), method="magic", rng=0)
    with pytest.raises(InputError, match="'nuts' gives no log evidence"):
        log_evidence(textbook(2), EIGHT, method="nuts", rng=0)
    with pytest.raises(InputError, match="no way to log p.* quadrature: .* at most"):
        log_evidence(textbook(5), np.tile(EIGHT, 5), method="quadrature", rng=0)
    with pytest.raises(InputError, match="weights that are no whole numbers"):
        log_evidence(textbook(2), EIGHT, method="enumeration", rng=0, sample_weight=np.full(8, 0.5))
    with pytest.raises(InputError, match="the data hold nan"):
        log_evidence(textbook(2), [1.0, np.nan], rng=0)


# ---- the NUTS gate --------------------------------------------------------------------------


def good_chains(rng: np.random.Generator, n_chains: int = 4, n_draws: int = 500) -> tuple[Draws, Draws]:
    """Independent draws from about the posterior, as an ideal sampler would give them."""
    mu = np.array([-1.9, 2.1])[:, np.newaxis] + 0.5 * rng.standard_normal((n_chains, n_draws, 2, 1))
    stats = {
        "diverging": np.zeros((n_chains, n_draws), dtype=bool),
        "energy": rng.standard_normal((n_chains, n_draws)),
    }
    return {"mu": mu}, stats


def gate(draws: Draws, stats: Draws) -> tuple[bool, str]:
    tree = to_datatree(draws, sample_stats=stats)
    problem = Problem(textbook(2), EIGHT[:, np.newaxis])
    found = reference(problem, method="nuts", rng=0, nuts_draws=tree)
    assert (found.draws is not None) == found.qualified
    return found.qualified, found.reason


def test_good_chains_qualify() -> None:
    qualified, reason = gate(*good_chains(np.random.default_rng(1)))
    assert qualified, reason


def test_chains_that_switched_labels_qualify() -> None:
    """Modes that differ in the numbering alone are the same posterior."""
    draws, stats = good_chains(np.random.default_rng(2))
    draws["mu"][1] = draws["mu"][1, :, ::-1]
    draws["mu"][2, ::2] = draws["mu"][2, ::2, ::-1]
    qualified, reason = gate(draws, stats)
    assert qualified, reason


def test_chains_in_different_modes_are_refused() -> None:
    draws, stats = good_chains(np.random.default_rng(3))
    draws["mu"][0] += 3.0
    qualified, reason = gate(draws, stats)
    assert not qualified
    assert "R-hat" in reason


def test_a_stuck_chain_is_refused() -> None:
    draws, stats = good_chains(np.random.default_rng(4))
    draws["mu"][:] = draws["mu"][:, :1]
    assert not gate(draws, stats)[0]


@pytest.mark.parametrize("n_draws", [1, 4, 20, 90])
def test_too_few_draws_are_refused(n_draws: int) -> None:
    qualified, _ = gate(*good_chains(np.random.default_rng(5), n_draws=n_draws))
    assert not qualified


def test_sticky_chains_are_refused() -> None:
    draws, stats = good_chains(np.random.default_rng(6))
    draws["mu"] = np.repeat(draws["mu"][:, ::20], 20, axis=1)
    qualified, reason = gate(draws, stats)
    assert not qualified
    assert "effective sample size" in reason


def test_what_the_sampler_says_is_heard() -> None:
    draws, stats = good_chains(np.random.default_rng(7))
    diverged = stats | {"diverging": stats["diverging"].copy()}
    diverged["diverging"][2, 17] = True
    assert "1 transitions diverged" in gate(draws, diverged)[1]
    assert "E-FMI" in gate(draws, stats | {"energy": np.cumsum(stats["energy"], axis=1)})[1]
    assert "lack 'energy'" in gate(draws, {"diverging": stats["diverging"]})[1]
    assert "one chain" in gate({"mu": draws["mu"][:1]}, {name: s[:1] for name, s in stats.items()})[1]
    draws["mu"][0, 0] = np.nan
    assert "not finite" in gate(draws, stats)[1]


def test_the_gate_takes_any_named_quantities() -> None:
    """Those of a model that is no mixture, with or without what NUTS says of its draws."""
    draws, stats = good_chains(np.random.default_rng(9))
    quantities = {"slope": draws["mu"][..., 0, 0], "log noise": draws["mu"][..., 1, 0]}
    figures, faults = examine_quantities(quantities, stats)
    assert faults == [] and (figures["chains"], figures["draws"], figures["divergences"]) == (4, 500, 0)
    assert set(examine_quantities(quantities)[0]) == set(figures) - {"divergences", "e_fmi"}
    stats["diverging"][0, 0] = True
    quantities["slope"][1] += 3.0
    assert examine_quantities(quantities)[0]["r_hat_of"] == "slope"
    assert examine_quantities(quantities, stats)[1][0] == "1 transitions diverged"
    assert "R-hat of slope" in examine_quantities(quantities, stats)[1][1]
    quantities["log noise"][0, 0] = np.inf
    assert examine_quantities(quantities)[1] == ["some draws are not finite"]


def test_the_figures_are_arvizs() -> None:
    import arviz

    draws, stats = good_chains(np.random.default_rng(8))
    stats["energy"] = np.cumsum(stats["energy"], axis=1) * 0.3 + stats["energy"]
    tree = to_datatree(draws, sample_stats=stats)
    quality, _ = nuts.examine(Problem(textbook(2), EIGHT[:, np.newaxis]), tree)
    assert quality["e_fmi"] == pytest.approx(float(arviz.bfmi(tree)["energy"].min()))
    bulk = arviz.ess(tree["posterior"].to_dataset(), method="bulk")["mu"].to_numpy()
    assert quality["ess_bulk"] <= bulk.min() + 1e-9
