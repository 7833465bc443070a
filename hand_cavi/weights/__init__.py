"""Mixing weights: the same idea as a family, one short file each."""

from hand_cavi.weights.fixed import FixedWeights

__all__ = ["FixedWeights"]
