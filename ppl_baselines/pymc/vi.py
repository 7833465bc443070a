"""ADVI with restarts, chosen by a fresh bound: prepare, run, result.

maximise over q:  F(q) = E_q[log p(x, theta) - log q(theta)],    q Gaussian in unconstrained coordinates

`pm.fit` starts every component of a mixture at the same point, which is a saddle, and reports noisy one-draw
losses. Here every restart has a start of its own: `ppl_baselines.restarts` conducts them. The two kinds,
mean-field and full-rank, differ in what `ppl_baselines.pymc.vi_steps` compiles.
"""

from functools import partial

from ppl_baselines import restarts
from ppl_baselines.convergence import Status
from ppl_baselines.pymc import vi_steps
from ppl_baselines.pymc.vi_steps import Prepared, prepare, with_data
from ppl_baselines.vi_result import AdviResult, Checkpoint

__all__ = ["AdviResult", "Checkpoint", "Prepared", "Status", "prepare", "run", "with_data"]

run = partial(restarts.run, vi_steps)
