"""Automatic differentiation variational inference in PyMC, mean field, on the user's model."""

from experiments.methods.advi import Settings, fit

__all__ = ["Settings", "fit"]
