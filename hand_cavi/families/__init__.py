"""Component families: one short file each, and one name."""

from hand_cavi.families.normal_known_variance import NormalKnownVariance

__all__ = ["NormalKnownVariance"]
