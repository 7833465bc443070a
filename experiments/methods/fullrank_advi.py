"""Automatic differentiation variational inference in PyMC, full rank: a Gaussian with all covariances."""

from experiments.methods._advi import AdviSettings, run_advi
from experiments.methods.starts import Starts
from experiments.records import MethodResult, Problem


class Settings(AdviSettings):
    """Options of full-rank ADVI."""


def run(problem: Problem, settings: Settings, *, starts: Starts, seed: int) -> MethodResult:
    """Fit a Gaussian with a full covariance matrix."""
    return run_advi(problem, settings, "full_rank", starts, seed)
