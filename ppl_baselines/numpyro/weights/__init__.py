"""NumPyro mixing weights, one prior per file, found by the name that the mixture's weights bear.

A module of weights offers

* ``declare(weights, n_components) -> dict[str, Array]``: its variables, sampled in the model that is running,
  as coordinates that stand in for the weights (`ppl_baselines.numpyro.coordinates.STAND_INS`);
* ``log_weights(weights, variables, n_components) -> Array``: log pi_k, shape (K,).
"""
