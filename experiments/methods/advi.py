"""Automatic differentiation variational inference in PyMC, mean field."""

from experiments.methods._advi import AdviSettings, run_advi
from experiments.methods.starts import Starts
from experiments.records import MethodResult, Problem


class Settings(AdviSettings):
    """Options of mean-field ADVI."""


def run(problem: Problem, settings: Settings, *, starts: Starts, seed: int) -> MethodResult:
    """Fit a Gaussian of independent coordinates."""
    return run_advi(problem, settings, "mean_field", starts, seed)
