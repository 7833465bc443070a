"""The tables of a configuration: frozen, strict, and without unknown keys."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Base of the tables of a configuration, and of the `Settings` of methods and datasets.

    A whole number is not a float with nothing behind the point, true is no number, NaN and infinity
    are refused, and so is a key that nobody reads.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
"""A name that may become part of a file's name: letters, digits and _ . + - after the first."""


class RunOptions(Options):
    """How the cells are run."""

    repeats: int = Field(
        default=1, ge=1, description="how often every data set is drawn anew (simulations), or refitted"
    )
    workers: int | None = Field(
        default=None, ge=1, description="processes at a time; without, as many as the machine has cores"
    )
    time_limit: float = Field(default=600.0, gt=0, description="seconds that one cell may take")
    output: str = Field(
        default="studies", min_length=1, description="the folder in which the study gets its own"
    )


class ReferenceOptions(Options):
    """What stands for the truth."""

    method: Literal["auto", "enumeration", "quadrature", "nuts", "none"] = Field(
        default="auto",
        description="auto takes the best that applies: enumeration, quadrature, else NUTS that qualifies",
    )
    draws: int = Field(
        default=20_000, ge=100, description="draws from the reference posterior, where it is exact"
    )


class VerdictOptions(Options):
    """When a method's posterior means agree with the reference's.

    A mean that is off by 0.25 posterior standard deviations turns a 95 % interval into a 94.3 % one: no
    reader would decide otherwise for it. The margin is a convention of this project, not of the literature.
    """

    methods: tuple[str, ...] | None = Field(
        default=None, description="the methods to judge, by name; without, every method of kind cavi"
    )
    margin: float = Field(default=0.25, gt=0, description="in standard deviations of the reference posterior")
    error_rate: float = Field(
        default=0.01, gt=0, lt=0.5, description="chance of a wrong pass or fail, all quantities together"
    )
