"""NumPyro's variational inference with restarts, chosen by a fresh bound: prepare, run.

maximise over q:  F(q) = E_q[log p(x, theta) - log q(theta)],    q a guide in unconstrained coordinates

`ppl_baselines.restarts` conducts the restarts. The guides differ in what `ppl_baselines.numpyro.vi_steps`
compiles.
"""

from ppl_baselines.numpyro.vi_steps import Search, prepare
from ppl_baselines.restarts import run

__all__ = ["Search", "prepare", "run"]
