"""Automatic differentiation variational inference in PyMC, mean field."""

from experiments.methods._advi import AdviSettings, afterwards, fit_advi
from experiments.records.problem import StartingPoints, Target
from experiments.records.result import Fitted

__all__ = ["Settings", "afterwards", "fit", "fit_briefly"]


class Settings(AdviSettings):
    """Options of mean-field ADVI."""


def fit(target: Target, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Fit a Gaussian of independent coordinates."""
    return fit_advi("mean_field", target, settings, starts, seed)


def fit_briefly(target: Target, settings: Settings, *, starts: StartingPoints, seed: int) -> Fitted:
    """Fit the same with few and cheap estimates of the bound."""
    return fit_advi("mean_field", target, settings, starts, seed, brief=True)
