"""Canonical draws for pictures: thinned, and put in order."""

import numpy as np

from experiments.posterior.draws import location, permuted
from experiments.records import Draws


def thinned(draws: Draws, most: int) -> Draws:
    """Return at most so many draws, taken evenly."""
    n_draws = len(next(iter(draws.values()), []))
    some = np.linspace(0, n_draws - 1, min(n_draws, most)).round().astype(int)
    return {name: values[some] for name, values in draws.items()}


def in_order(draws: Draws) -> Draws:
    """Return the draws with the components of each draw sorted by their first feature's mean (or rate)."""
    return permuted(draws, np.argsort(location(draws)[..., 0], axis=1))
