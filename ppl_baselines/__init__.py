"""Mixtures in PyMC, assignments summed out: the mirror of hand_cavi, which it never imports."""
