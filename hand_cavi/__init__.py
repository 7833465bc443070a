"""Hand-derived variational inference for Bayesian mixtures of conjugate families.

The idea is in `conjugate`: conjugacy, written once. The model is a `Mixture`; `fit` fits it.
"""

from hand_cavi.ascent.progress import Progress
from hand_cavi.elbo import ElboTerms
from hand_cavi.families import (
    DirichletCategorical,
    GammaPoisson,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
)
from hand_cavi.fit import fit
from hand_cavi.fit_many import fit_many
from hand_cavi.inputs import InputError
from hand_cavi.mixture import Mixture, log_joint
from hand_cavi.result import Fit, MoveOutcome, StartOutcome, Status, StepInfo, wilson_interval
from hand_cavi.weights import DirichletWeights, FixedWeights, StickBreaking

__all__ = [
    "DirichletCategorical",
    "DirichletWeights",
    "ElboTerms",
    "Fit",
    "FixedWeights",
    "GammaPoisson",
    "InputError",
    "Mixture",
    "MoveOutcome",
    "NormalGamma",
    "NormalKnownVariance",
    "NormalWishart",
    "Progress",
    "StartOutcome",
    "Status",
    "StepInfo",
    "StickBreaking",
    "fit",
    "fit_many",
    "log_joint",
    "wilson_interval",
]
