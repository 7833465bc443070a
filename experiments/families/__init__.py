"""What a reader is told of a mixture's family: one file a family, with the name that hand_cavi's file has.

Such a file may offer (`lookup.offered` finds it; what it lacks falls back to draws, or is left out)

- ``story(prior) -> list[Line]``: the generative story, from the prior to the likelihood;
- ``default_prior(summary, k) -> dict[str, Default]``: fields where none is given, and how they were chosen;
- ``moments(q) -> Figures``: posterior means and standard deviations of K components;
- ``cdf(q, t)``: F_k(t_j) of each entry of a component's location, (J, K, L) for t of shape (J, L);
- ``density(prior, draws, feature, values)``: p(x_d = value | theta), (S, K, G);
- ``covariance(prior, draws)``: within each component, (K, D, D), where a component is a normal;
- ``from_parameters(given) -> (member, parameters)``: what simulates data from parameters that a user gives;
- ``TRANSFORMS``: how coordinates of ``free_moments`` become canonical parameters, where not as usual;
- ``doubt(fit, some, n_points, given) -> str | None``: a word of warning about a fit;
- ``CATEGORICAL``: whether data are categories;
- ``WEIGHTS``: the prior of the weights where none is asked for, if it is not `DEFAULT_WEIGHTS`;
- ``VARIABLES``, ``log_joint(prior, x, values)``: the canonical parameters, and ln p(theta_k), (S, K), with
  ln p(x_i | theta_k), (S, K, N), from the story alone: what a derivation of the family is checked against;
- ``EXAMPLE``: a prior's numbers and a few points to check with, no two numbers alike.

`weights` does the same for the mixing weights.
"""

AUTO = "auto"
"""What stands for the family and the weights of a command that is given none: `priors.model_for` chooses."""

ONE_COLUMN, SEVERAL_COLUMNS, DEFAULT_WEIGHTS = "normal_gamma", "normal_wishart", "dirichlet"
"""The choice: variances and weights are learned, for a guess at them would decide what is found."""

TEXTBOOK = "normal_known_variance"
"""The textbook's family, taken where fields of its prior are given that the other has not."""
