"""Automatic differentiation variational inference in PyMC, full rank, on the user's model."""

from experiments.methods.fullrank_advi import Settings, fit

__all__ = ["Settings", "fit"]
