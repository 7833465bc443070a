"""Copies among draws are seen, with noise on them or not, and correct chains are never called copies."""

import numpy as np
import pytest

from experiments.references._copies import copies
from experiments.references._gate import examine_quantities

C, M = 4, 1000


def normal(seed: int, chains: int = C, draws: int = M, memory: float = 0.0) -> dict[str, np.ndarray]:
    """Chains of two quantities, autoregressive of order one."""
    noise = np.random.default_rng(seed).standard_normal((2, chains, draws)) * np.sqrt(1 - memory**2)
    for draw in range(1, draws):
        noise[..., draw] += memory * noise[..., draw - 1]
    return {"one": noise[0], "square of the other": noise[1] ** 2}


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8, -0.6])
def test_correct_chains_are_no_copies(memory: float) -> None:
    """60 runs; a false alarm has a chance of 1e-9 in each."""
    for seed in range(60):
        assert copies(normal(seed, memory=memory), independent=False) == []


def test_independent_draws_are_independent() -> None:
    for seed in range(60):
        assert copies(normal(seed, 1, 4000), independent=True) == []
        assert copies(normal(seed, 1, 100), independent=True) == []


def test_what_claims_to_be_independent_is_looked_at() -> None:
    (said,) = copies(normal(1, 1, 4000, memory=0.5), independent=True)
    assert "not independent" in said and "1 further on" in said
    tiled = {name: np.tile(one[:, :500], 8) for name, one in normal(1, 1).items()}
    assert "3500 of its 4000 draws are copies of others" in copies(tiled, independent=True)[0]


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize(
    "take",
    [
        lambda one: one[[0, 0, 0, 0]],
        lambda one: one[[0, 1, 2, 1]],
        lambda one: np.stack([np.roll(one[0], 91 * chain) for chain in range(C)]),
        lambda one: np.tile(one[:, : M // 4], 4),
    ],
    ids=["four alike", "two alike", "turned", "tiled"],
)
def test_copies_are_seen_with_noise_or_without(take, noise: float) -> None:
    rng = np.random.default_rng(3)
    draws = {name: take(one) + noise * rng.standard_normal((C, M)) for name, one in normal(2).items()}
    assert copies(draws, independent=False)
    assert examine_quantities(draws)[1] == copies(draws, independent=False)


def test_a_chain_that_rejects_proposals_stands_still_and_is_no_copy() -> None:
    """Metropolis' algorithm for N(0, 1), a third of whose proposals are rejected, thinned by none."""
    rng = np.random.default_rng(4)
    chains = np.zeros((C, 4000))
    for draw in range(1, 4000):
        here = chains[:, draw - 1]
        there = here + rng.standard_normal(C)
        accepted = np.log(rng.random(C)) < (here**2 - there**2) / 2
        chains[:, draw] = np.where(accepted, there, here)
    assert (chains[:, 1:] == chains[:, :-1]).mean() > 0.2
    assert copies({"x": chains}, independent=False) == []


def test_an_r_hat_of_chains_that_stand_still_is_told_in_a_few_words() -> None:
    """They stand at four places: between them there is all the variance, within them none."""
    still = np.repeat(np.arange(4.0)[:, np.newaxis], 100, axis=1) + 1e-160 * np.arange(100)
    for draws in (still, still + 0 * still, np.ones((4, 100))):
        with np.errstate(all="ignore"):
            faults = examine_quantities({"x": draws})[1]
        assert all(len(fault) < 100 for fault in faults) and "R-hat of x is above 1000" in faults[0]
