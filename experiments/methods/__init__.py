"""Methods: one file each, found by its name.

A method fits, and does no more than that. Its file offers

- ``Settings``, a pydantic model of its options; a method that finds a q has ``draws`` among them, by which it
  is scored;
- ``fit(target, settings, *, starts, seed)``, which returns a `Fitted`, and raises `NotFiniteError` where its
  numbers overflowed.

It may offer besides

- ``afterwards(target, settings, fitted, seed)``, which returns what is told once more, with what a look back
  adds: nothing of it counts as the method's time;
- ``fit_briefly``, with the arguments of ``fit``: a fit of which only the draws are wanted, as of the many of
  a calibration;
- ``fit_together(targets, settings, *, starts, seeds)``, which fits data sets of one shape under one model at
  once, as those of a calibration: a list of what ``fit`` returns or raises for each;
- ``EXACT = True``, if its draws come from the exact posterior, but for noise;
- ``LIBRARIES``, the names of libraries beside PyMC that make its numbers, and ``EXTRA``, the extra of this
  package that installs them: without them a configuration is refused;
- ``NEEDS_POINTS = True``, if it is given all points of a large data set, or its distinct ones, and no other
  nodes.

- ``NEEDS = "derivation"``, of a method for a model of the user's own that uses its derivation; others use its
  PyMC model.

A user's own method is a module, or an object, with these. Methods for a model of the user's own are in
`experiments.methods.own`.
"""

LABELS = {
    "cavi": "CAVI",
    "cavi_lr": "CAVI + linear response",
    "cavi_mixture": "CAVI, all optima",
    "cavi_is": "CAVI + importance sampling",
    "advi": "ADVI",
    "fullrank_advi": "full-rank ADVI",
    "dadvi": "DADVI",
    "laplace": "Laplace",
    "pathfinder": "Pathfinder",
    "nuts": "NUTS",
    "nuts_warm": "NUTS (warm start)",
    "gibbs": "Gibbs",
    "smc": "SMC",
    "numpyro_nuts": "NumPyro NUTS",
    "numpyro_vi": "NumPyro VI",
    "numpyro_mean_field": "NumPyro mean field",
    "numpyro_full_rank": "NumPyro full rank",
    "numpyro_low_rank": "NumPyro low rank",
    "numpyro_laplace": "NumPyro Laplace",
    "numpyro_flow": "NumPyro flow",
}
"""What readers call the methods; others go by their own names."""


def label(method: str) -> str:
    """Return what readers call a method of this name."""
    return LABELS.get(method, method)


class NotFiniteError(ArithmeticError):
    """The method's numbers became infinite or NaN; the message says where, in a sentence."""
