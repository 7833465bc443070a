"""The velocities of 82 galaxies in the Corona Borealis region, the classic test of mixtures.

Velocities in km/s from six well-separated conic sections of the sky: Postman, Huchra & Geller (1986),
The Astronomical Journal 92, 1238-1247; brought to statistics by Roeder (1990), Journal of the American
Statistical Association 85, 617-624. The 78th value is 26960, as published. The copy in R's MASS package
has the known typo 26690 there, and papers use either.
"""

from importlib.resources import files

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.datasets import Dataset


class Settings(Options):
    """x = velocity / unit_km_s - centre."""

    unit_km_s: float = Field(default=1000.0, gt=0, description="one unit of x, in km/s")
    centre: float = Field(default=20.0, description="subtracted from the velocities, in units of x")


def load(settings: Settings, rng: np.random.Generator) -> Dataset:
    """Return the 82 velocities, shape (82, 1); nothing is random here."""
    text = files("experiments.datasets").joinpath("galaxies.csv").read_text(encoding="utf-8")
    velocity = np.array([float(line) for line in text.split()[1:]])
    unit = f"{settings.unit_km_s:g} km/s"
    about = (
        "Velocities of 82 galaxies (Postman, Huchra & Geller 1986; Roeder 1990; the 78th value is 26960, as "
        f"published), in {unit}, less {settings.centre:g}."
    )
    x = velocity[:, np.newaxis] / settings.unit_km_s - settings.centre
    return Dataset(x, ("velocity",), about, unit)
