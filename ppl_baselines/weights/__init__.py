"""PyMC mixing weights, one prior per file, found by the name that the mixture's weights bear.

A module of weights offers

* ``declare(weights) -> dict[str, TensorVariable]``: its variables, added to the model in context, under their
  canonical names and dims (`ppl_baselines.draws.DIMS`);
* ``log_weights(weights, variables, n_components) -> TensorVariable``: log pi_k, shape (K,).
"""
