"""What a reference is asked for, and what is at hand to find it."""

from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Request:
    """What every reference's ``compute`` is given beside the problem; each takes what it needs.

    Attributes
    ----------
    rng : numpy.random.Generator
        Not used by what is exact, but for draws.
    n_draws : int
        How many draws from the posterior to give, where they are independent; 0 for none.
    nuts_draws, gibbs_draws : xarray.DataTree or None
        The study's own draws, with their ``sample_stats``.
    budget : float
        Seconds that NUTS may run on for if the study's draws do not qualify, or there are none; 0 for none.
    """

    rng: np.random.Generator
    n_draws: int = 0
    nuts_draws: xr.DataTree | None = None
    gibbs_draws: xr.DataTree | None = None
    budget: float = 0.0
