"""PyMC component families, one per file, found by the name that the mixture's components bear.

A family's module offers

* ``declare(components) -> dict[str, TensorVariable]``: its variables, added to the model in context, under
  their canonical names and dims (`ppl_baselines.draws.DIMS`);
* ``log_likelihood(components, variables, x) -> TensorVariable``: log p(x_i | theta_k), shape (N, K), every
  constant kept.
"""
