"""Methods for a model of the user's own, by its derivation and its PyMC model; see `experiments.methods`."""
