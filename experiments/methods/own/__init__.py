"""Methods for a model of the user's own: its derivation and its PyMC model."""
