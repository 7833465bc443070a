"""PyMC mixing weights, one prior per file, found by the name that the mixture's weights bear.

A module of weights offers

* ``declare(weights, n_components) -> dict[str, TensorVariable]``: its variables, added to the model in
  context, under their canonical names and dims (`ppl_baselines.draws.DIMS`), or coordinates that stand in for
  them (`ppl_baselines.unconstrained.STAND_INS`);
* ``log_weights(weights, variables, n_components) -> TensorVariable``: log pi_k, shape (K,).
"""
