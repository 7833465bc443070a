"""Models of a user's own: their derivation and their PyMC model, compared as mixtures are.

A study says ``model = "my_module:problem"`` in place of a family. What it needs and gives is smaller than a
mixture's: variables by their own names, CAVI, two ADVIs and NUTS, and NUTS as the reference if it qualifies.
`problem` says what a user writes; `config`, `study` and `run` lead from the TOML file to the store; `judge`
measures; `experiments.report.pages.own` reports.
"""

from experiments.methods.own.problem import CustomProblem

__all__ = ["CustomProblem"]
