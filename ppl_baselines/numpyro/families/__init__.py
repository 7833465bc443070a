"""NumPyro component families, one per file, found by the name that the mixture's components bear.

A family's module offers

* ``declare(components, n_components, n_features) -> dict[str, Array]``: its variables, sampled in the model
  that is running, under their canonical names (`ppl_baselines.draws.DIMS`), or coordinates that stand in for
  them (`ppl_baselines.numpyro.coordinates.STAND_INS`);
* ``log_likelihood(components, variables, x) -> Array``: log p(x_i | theta_k), shape (N, K), every constant
  kept.
"""
