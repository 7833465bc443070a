"""Every mixture in NumPyro, and NumPyro's methods: NUTS, and variational inference by its automatic guides.

Written from the models' formulas, not from PyMC's side: its densities are those of `numpyro.distributions`
wherever there are such. Importing this folder makes JAX work in float64, in this process; nothing else of
``ppl_baselines`` imports it.
"""

from ppl_baselines.errors import UnavailableError

try:
    import numpyro
except ModuleNotFoundError as error:
    raise UnavailableError(
        f'NumPyro needs the package {error.name}, which is not installed: pip install "elbowroom[numpyro]"'
    ) from None

numpyro.enable_x64()
