"""Automatic differentiation variational inference in PyMC, full rank: a Gaussian with all covariances."""

from functools import partial

from experiments.methods._advi import AdviSettings as Settings
from experiments.methods._advi import fit_advi

__all__ = ["Settings", "fit", "fit_briefly"]

fit = partial(fit_advi, "full_rank")
fit_briefly = partial(fit, brief=True)
