"""Hand-derived variational inference for Bayesian mixtures of conjugate families.

The idea is in `conjugate`: conjugacy, written once. The model is a `Mixture`; `fit` fits it.
"""

from hand_cavi.cavi import Status, StepInfo
from hand_cavi.elbo import ElboTerms
from hand_cavi.families import NormalKnownVariance
from hand_cavi.fit import Fit, StartOutcome, fit
from hand_cavi.inputs import InputError
from hand_cavi.mixture import Mixture, log_joint
from hand_cavi.weights import FixedWeights

__all__ = [
    "ElboTerms",
    "Fit",
    "FixedWeights",
    "InputError",
    "Mixture",
    "NormalKnownVariance",
    "StartOutcome",
    "Status",
    "StepInfo",
    "fit",
    "log_joint",
]
