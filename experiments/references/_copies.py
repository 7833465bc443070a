"""Draws that are copies of others: tiled, repeated by another chain, or alike where they should not be.

Copies look like agreement to R-hat and like more draws than there are to any effective sample size. Two
signs give them away: equal draws, and an autocorrelation far beyond the chain's own memory, which copies
with a little noise on them have too. C chains of M draws, put end to end, S of them.
"""

import numpy as np

from experiments.posterior.draws import effective_sample_size
from experiments.records import Draws

MOST_RECURRING = 0.05
"""Share of the draws that may recur elsewhere, as particles that did not move do, or starts of chains."""

N_SPREADS = 8.0
"""Spreads of the autocorrelations by which one must stand out: false alarm below 1e-9 for 20 quantities of
20,000 lags, by the normal tail."""

MEMORY = 10.0
"""Times S over the effective sample size, after which a chain has forgotten where it was."""


def copies(draws: Draws, *, independent: bool) -> list[str]:
    """Return what shows that draws are copies of others, a clause each; empty if nothing does.

    They are continuous label-invariant quantities by name, each (C, M), finite. Those that claim to be
    independent may not be like their neighbours either.
    """
    values = np.stack(list(draws.values()), axis=-1)
    if values.shape[0] * values.shape[1] < 4:
        return []
    return _recurring(values, independent) or _echoes(list(draws), values, independent)


def _recurring(values: np.ndarray, independent: bool) -> list[str]:
    """Return a clause on draws that are equal to others; a chain that stands still is no copy."""
    n_chains, n_draws, _ = values.shape
    _, which = np.unique(values.reshape(n_chains * n_draws, -1), axis=0, return_inverse=True)
    which = which.reshape(n_chains, n_draws)
    moved = np.ones(which.shape, dtype=bool)
    if not independent:
        moved[:, 1:] = which[:, 1:] != which[:, :-1]
    states = int(moved.sum())
    copied = states - len(np.unique(which))
    if copied <= (0 if independent else MOST_RECURRING * states):
        return []
    return [f"{copied} of its {n_chains * n_draws} draws are copies of others"]


def _echoes(names: list[str], values: np.ndarray, independent: bool) -> list[str]:
    """Return a clause on the quantity whose draws come again, with or without noise, after some lag."""
    in_a_row = values.reshape(-1, values.shape[2])
    size = len(in_a_row)
    order = in_a_row.argsort(axis=0).argsort(axis=0).reshape(values.shape)
    ranks = (order - order.mean(axis=1, keepdims=True)).reshape(in_a_row.shape)
    moves = np.flatnonzero(np.ptp(in_a_row, axis=0) > 0)
    if not moves.size:
        return []
    first = 1
    if not independent:
        least = np.nanmin(effective_sample_size(values[..., moves]))
        first = int(np.ceil(MEMORY * size / max(least, 1.0)))
    lags = np.arange(first, size // 2 + 1)
    if len(lags) < 10:
        return []
    power = np.abs(np.fft.rfft(ranks[:, moves], axis=0)) ** 2
    correlation = np.abs(np.fft.irfft(power, n=size, axis=0)[lags]) / np.sum(ranks[:, moves] ** 2, axis=0)
    spread = np.median(correlation, axis=0) / 0.6745  # of a normal variable, by the median of its size
    lag, quantity = divmod(int(np.argmax(correlation / spread)), len(moves))
    if correlation[lag, quantity] <= N_SPREADS * spread[quantity]:
        return []
    what = (
        f"{names[moves[quantity]]} is correlated by {correlation[lag, quantity]:.2f} with that of draws "
        f"{lags[lag]} further on, where chance leaves {spread[quantity]:.2g}"
    )
    return [f"its draws are not independent, as they claim: {what}" if independent else f"copies: {what}"]
