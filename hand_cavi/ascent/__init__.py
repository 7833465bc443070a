"""Coordinate ascent: sweeps, starts, and all that leads from starts to the best bound."""
