"""What a reference is asked for, and what is at hand to find it."""

from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Request:
    """What every reference's ``compute`` is given beside the problem; each takes what it needs.

    `n_draws` independent draws from the posterior are asked for, 0 for none. `nuts_draws` and `gibbs_draws`
    are the study's own, with their ``sample_stats``. If they do not qualify, or there are none, NUTS may run
    on for `budget` seconds, 0 for none.
    """

    rng: np.random.Generator
    n_draws: int = 0
    nuts_draws: xr.DataTree | None = None
    gibbs_draws: xr.DataTree | None = None
    budget: float = 0.0
