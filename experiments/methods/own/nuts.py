"""The no-U-turn sampler in PyMC on the user's model, from dispersed starts."""

from experiments.methods.nuts import EXACT, fit
from experiments.methods.nuts import ColdSettings as Settings

__all__ = ["EXACT", "Settings", "fit"]
