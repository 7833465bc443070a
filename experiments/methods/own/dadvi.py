"""Deterministic ADVI on the user's model: mean field by fixed draws, optimised to the last digit."""

from experiments.methods.dadvi import Settings, fit

__all__ = ["Settings", "fit"]
