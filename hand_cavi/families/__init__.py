"""Component families: one short file each, and one name."""

from hand_cavi.families.dirichlet_categorical import DirichletCategorical
from hand_cavi.families.gamma_poisson import GammaPoisson
from hand_cavi.families.normal_gamma import NormalGamma
from hand_cavi.families.normal_known_variance import NormalKnownVariance
from hand_cavi.families.normal_wishart import NormalWishart

__all__ = ["DirichletCategorical", "GammaPoisson", "NormalGamma", "NormalKnownVariance", "NormalWishart"]
