"""NumPyro's variational inference with restarts, chosen by a fresh bound: prepare, run, result.

maximise over q:  F(q) = E_q[log p(x, theta) - log q(theta)],    q a guide in unconstrained coordinates

`ppl_baselines.restarts` conducts the restarts. The guides differ in what `ppl_baselines.numpyro.vi_steps`
compiles.
"""

from functools import partial

from ppl_baselines import restarts
from ppl_baselines.convergence import Status
from ppl_baselines.numpyro import vi_steps
from ppl_baselines.numpyro.vi_steps import COMPILES_SHAPES, Prepared, prepare, with_data
from ppl_baselines.vi_result import AdviResult, Checkpoint

__all__ = ["COMPILES_SHAPES", "AdviResult", "Checkpoint", "Prepared", "Status", "prepare", "run", "with_data"]

run = partial(restarts.run, vi_steps)
