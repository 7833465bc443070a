"""Hard cases end in a correct statement, never in a confident wrong verdict.

What is correct is found apart from the code under test: posterior means and sds out of a hundred thousand
draws, by plain numpy. A verdict may be undecided; it may not pass what is off, nor fail what is right.
"""

import numpy as np
import pytest
import xarray as xr

from experiments.config.options import VerdictOptions
from experiments.posterior.draws import as_arrays
from experiments.records import Problem
from experiments.references import reference
from experiments.references.nuts import examine
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from hand_cavi.gibbs.sampler import gibbs
from ppl_baselines.draws import to_datatree
from tests.experiments.faults import correct_cavi, exact, judge

OPTIONS = VerdictOptions()


def textbook(x: list[float], n_components: int) -> Problem:
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), n_components)
    return Problem(mixture, np.array(x)[:, np.newaxis])


PROBLEMS = {
    "more components than clusters": textbook([-2.3, -2.1, -1.9, -1.6, 1.7, 1.9, 2.1, 2.4], 4),
    "identical components": textbook([-1.2, -0.7, -0.3, -0.1, 0.2, 0.4, 0.8, 1.1], 2),
    "heavy overlap": textbook([-1.6, -1.1, -0.7, -0.2, 0.4, 0.9, 1.3, 1.8], 2),
    "two points": textbook([-1.0, 1.5], 2),
    "two points far apart": textbook([-8.0, 8.0], 2),
    "two points, three components": textbook([-8.0, 8.0], 3),
    "equal points": textbook([1.0] * 6, 2),
}


def sorted_moments(mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ordered = np.sort(mu[:, :, 0], axis=1)
    return ordered.mean(axis=0), ordered.std(axis=0)


@pytest.mark.parametrize("name", PROBLEMS)
def test_small_and_odd_problems_get_no_wrong_verdict(name: str) -> None:
    """Ten verdicts each, from few draws; each is wrong with a chance of 1 % at most, at the margin itself."""
    problem = PROBLEMS[name]
    claim = correct_cavi(problem, 1)
    truth = exact(problem, 2, n_draws=100_000).draws
    assert truth is not None
    true_mean, true_sd = sorted_moments(as_arrays(truth)["mu"])
    mean, sd = sorted_moments(claim.q.sample(np.random.default_rng(3), 100_000)["mu"])
    off = np.max(np.abs(mean - true_mean) / true_sd)
    factor = np.exp(np.max(np.abs(np.log(sd / true_sd))))
    right = off < OPTIONS.margin and factor < OPTIONS.sd_factor
    for seed in range(10):
        verdict = judge(problem, exact(problem, 100 + seed, n_draws=2000), claim, seed=seed, draws=2000)
        assert verdict.decision != ("fail" if right else "pass"), (off, factor, verdict.sentence)
        assert not verdict.impossible
        assert (verdict.decision == "undecided") == bool(verdict.needs)


# three clusters, two components: either the left two share one, or the right two; nobody crosses

SHAPE = np.array([-1.5, -1.1, -0.7, -0.4, -0.1, 0.1, 0.4, 0.7, 1.1, 1.5])
THREE = textbook(np.concatenate([SHAPE - 10, SHAPE, SHAPE + 10]).tolist(), 2)


def chains(left_shared: list[bool], seed: int) -> xr.DataTree:
    """Run Gibbs from either mode, a chain for each entry, dressed as NUTS that finds no fault with itself."""
    n = len(THREE.x)
    starts = np.zeros((len(left_shared), n, 2))
    for start, shared in zip(starts, left_shared, strict=True):
        first = np.arange(n) < (2 * n // 3 if shared else n // 3)
        start[:, 0], start[:, 1] = first, ~first
    run = gibbs(THREE.mixture, THREE.x, rng=seed, chains=len(starts), draws=800, tune=50, starts=starts)
    shape = run.log_joint.shape
    energy = np.random.default_rng(seed).standard_normal(shape)
    return to_datatree(run.draws, sample_stats={"diverging": np.zeros(shape, bool), "energy": energy})


def test_chains_stuck_in_different_modes_are_seen_by_the_gate() -> None:
    quality, faults = examine(THREE, chains([True, True, False, False], 1))
    assert any("R-hat" in fault for fault in faults)
    assert quality["r_hat"] > 1.5


@pytest.mark.parametrize("second", ["quadrature", "importance"])
def test_chains_all_stuck_in_one_mode_are_seen_by_a_second_opinion(second: str) -> None:
    """The gate passes them: no diagnostic sees what no chain has visited. Then no verdict leans on them."""
    tree = chains([True] * 4, 2)
    assert examine(THREE, tree)[1] == []
    alone = reference(THREE, method="nuts", rng=3, nuts_draws=tree)
    assert alone.qualified
    both = reference(THREE, method=["nuts", second], rng=3, nuts_draws=tree, n_draws=5000)
    assert not both.qualified and "two references disagree" in both.reason
    verdict = judge(THREE, both, correct_cavi(THREE, 4), seed=5, draws=1000)
    assert verdict.decision == "undecided" and "two references disagree" in verdict.sentence


def test_a_cavi_in_one_of_two_modes_fails_against_the_truth() -> None:
    """Its q is unimodal, the posterior has two modes of equal mass: its means are off, and it is told so."""
    verdict = judge(THREE, exact(THREE, 1, method="quadrature", n_draws=5000), correct_cavi(THREE, 2), seed=3)
    assert verdict.decision == "fail" and not verdict.impossible


def test_automatic_references_do_not_fall_for_one_mode() -> None:
    """Left to itself, the choice is quadrature, whatever the chains say."""
    found = reference(THREE, rng=3, nuts_draws=chains([True] * 4, 2), n_draws=2000)
    assert found.method == "quadrature" and found.qualified
