"""Laplace's approximation of the user's model: a Gaussian at the mode in unconstrained coordinates."""

from experiments.methods.laplace import Settings, fit

__all__ = ["Settings", "fit"]
