"""Automatic differentiation variational inference in PyMC, full rank: a Gaussian with all covariances."""

from experiments.methods._advi import AdviSettings, afterwards, fit_advi
from experiments.records.problem import StartingPoints, Target
from experiments.records.result import Fitted

__all__ = ["Settings", "afterwards", "fit", "fit_briefly"]


class Settings(AdviSettings):
    """Options of full-rank ADVI."""


def fit(target: Target, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Fit a Gaussian with a full covariance matrix."""
    return fit_advi("full_rank", target, settings, starts, seed)


def fit_briefly(target: Target, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Fit the same with few and cheap estimates of the bound."""
    return fit_advi("full_rank", target, settings, starts, seed, brief=True)
