"""Did I derive it right? A hand-derived mean-field model, held against its joint density and nothing else."""

from experiments.checks.log_joint import from_pymc
from experiments.checks.mixture_log_joint import MixtureLogJoint
from experiments.checks.results import BOUND, Decision, Fault, Report, Result
from experiments.checks.suite import check

__all__ = ["BOUND", "Decision", "Fault", "MixtureLogJoint", "Report", "Result", "check", "from_pymc"]
