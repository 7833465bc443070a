"""Ranks among draws, between 0 and 1 (PIT values), uniform for exact draws whatever the quantity.

The count of L exact draws below the truth is uniform on 0, ..., L; where draws equal it, the count among the
equals is drawn at random, and so is the rank within the count's own share (r, r + 1) / (L + 1): uniform on
(0, 1) exactly, for any quantity and any L, so that ranks of different L may be pooled. Chains are thinned to
their smallest effective sample size: ranks among dependent draws pile up at the ends (Talts et al. 2018).
"""

import numpy as np

from experiments.posterior.draws import effective_sample_size

_FEWEST = 4  # draws of a chain, below which there is no effective sample size


def ranks_among(truth: np.ndarray, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the ranks, between 0 and 1, of truths, (Q,), among those of nearly independent draws, (L, Q)."""
    below = (values < truth).sum(axis=0)
    equal = (values == truth).sum(axis=0)
    count = below + rng.integers(0, equal + 1)
    return (count + rng.random(len(truth))) / (len(values) + 1)


def thinned(values: np.ndarray, most: int) -> np.ndarray:
    """Return nearly independent draws, (L, Q), out of chains, (C, M, Q), evenly spaced in each.

    L is at most `most` and the smallest effective sample size, but at least one draw a chain.
    """
    n_chains, n_draws, n_quantities = values.shape
    enough = min(most, n_chains * n_draws)
    if n_draws >= _FEWEST:
        ess = effective_sample_size(values)
        known = ess[np.isfinite(ess)]  # none where a quantity is constant
        enough = int(min([enough, *known]))
    each = int(np.clip(enough // n_chains, 1, n_draws))
    keep = np.linspace(n_draws - 1, 0, each).round().astype(int)
    return values[:, keep].reshape(-1, n_quantities)
