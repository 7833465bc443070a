"""The no-U-turn sampler in PyMC on the user's model, from dispersed starts."""

from experiments.methods.nuts import ColdSettings as Settings
from experiments.methods.nuts import fit

__all__ = ["Settings", "fit"]
