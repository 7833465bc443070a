"""272 eruptions of the geyser Old Faithful: how long each took, and how long until the next.

Yellowstone National Park. The data set `faithful` of R, which has it from Haerdle (1991), Smoothing
Techniques with Implementation in S; Azzalini & Bowman (1990), Applied Statistics 39, 357-365, tell of the
geyser. Both columns are in minutes.
"""

from importlib.resources import files

import numpy as np
from pydantic import Field

from experiments.config.options import Options
from experiments.datasets import Dataset

FEATURES = ("eruption", "waiting")


class Settings(Options):
    """Minutes, or standard deviations about the mean."""

    standardise: bool = Field(
        default=False, description="subtract each column's mean and divide by its standard deviation"
    )


def load(settings: Settings, rng: np.random.Generator) -> Dataset:
    """Return eruption and waiting time, shape (272, 2); nothing is random here."""
    text = files("experiments.datasets").joinpath("faithful.csv").read_text(encoding="utf-8")
    x = np.array([line.split(",") for line in text.split()[1:]], dtype=np.float64)
    what = "duration of 272 eruptions and waiting time until the next"
    about = f"Old Faithful: {what} (Härdle 1991; R's faithful)"
    if not settings.standardise:
        return Dataset(x, FEATURES, f"{about}, in minutes.", "minutes")
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return Dataset(x, FEATURES, f"{about}, each less its mean and over its standard deviation.", "sd")
