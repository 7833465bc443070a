"""Mixing weights: the same idea as a family, one short file each."""

from hand_cavi.weights.dirichlet import DirichletWeights
from hand_cavi.weights.fixed import FixedWeights
from hand_cavi.weights.stick_breaking import StickBreaking

__all__ = ["DirichletWeights", "FixedWeights", "StickBreaking"]
