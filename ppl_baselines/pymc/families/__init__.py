"""PyMC component families, one per file, found by the name that the mixture's components bear.

A family's module offers

* ``declare(components, n_components, n_features) -> dict[str, TensorVariable]``: its variables, added to the
  model in context, under their canonical names and dims (`ppl_baselines.draws.DIMS`), or coordinates that
  stand in for them (`ppl_baselines.unconstrained.STAND_INS`);
* ``log_likelihood(components, variables, x) -> TensorVariable``: log p(x_i | theta_k), shape (N, K), every
  constant kept.
"""
