"""Automatic differentiation variational inference in PyMC, mean field, on the user's model."""

from experiments.methods.advi import Settings, afterwards, fit

__all__ = ["Settings", "afterwards", "fit"]
