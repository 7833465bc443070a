"""Models of a user's own: what a module writes to have its derivation and its PyMC model compared.

A study says ``model = "my_module:problem"`` in place of a family. What it needs and gives is smaller than a
mixture's: variables by their own names, CAVI, two ADVIs and NUTS, and NUTS as the reference if it qualifies.
A calibration needs one of the two, and to be told where other data go.
"""

from experiments.methods.own.own_problem import OwnProblem as CustomProblem

__all__ = ["CustomProblem"]
