"""The tables of a configuration: frozen, strict, and without unknown keys."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from experiments.config.plugins import did_you_mean, names


class Options(BaseModel):
    """Base of the tables of a configuration, and of the `Settings` of methods and datasets.

    A whole number is not a float with nothing behind the point, true is no number, NaN and infinity
    are refused, and so is a key that nobody reads.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
"""A name that may become part of a file's name: letters, digits and _ . + - after the first."""


MOST_WORKERS = 1000
"""Processes at a time; no machine runs more of them well."""


class MemoryOptions(Options):
    """How much memory what runs at a time may hold."""

    memory_limit: float | None = Field(
        default=None,
        gt=0,
        description="GiB of memory that one cell, or a batch of replicates, may hold; without, all there is",
    )

    @property
    def memory_bytes(self) -> int | None:
        """The same in bytes."""
        return None if self.memory_limit is None else int(self.memory_limit * 2**30)


class RunOptions(MemoryOptions):
    """How the cells are run."""

    repeats: int = Field(
        default=1, ge=1, description="how often every data set is drawn anew (simulations), or refitted"
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=MOST_WORKERS,
        description="processes at a time; without, as many as the machine has cores",
    )
    time_limit: float = Field(default=600.0, gt=0, description="seconds that one cell may take")
    condense: Literal["auto", "never"] = Field(
        default="auto",
        description=(
            "auto gives a few hundred weighted nodes to all methods but Gibbs, where points are many and "
            "have one feature, or are counts or categories; the error is measured and reported"
        ),
    )
    output: str = Field(
        default="studies", min_length=1, description="the folder in which the study gets its own"
    )


class SamplerOptions(Options):
    """Which samplers may stand for the truth."""

    samplers: tuple[str, ...] = Field(
        default=(),
        description="methods of your own, by name, whose draws may be the reference if they qualify; "
        "without, only the NUTS and Gibbs of this project may",
    )


class ReferenceOptions(SamplerOptions):
    """What stands for the truth."""

    method: str | tuple[str, ...] = Field(
        default="auto",
        description=(
            "auto takes the best that applies: enumeration or quadrature, else NUTS or Gibbs that qualifies, "
            "with bridge and importance sampling for log p(x); or a name, or a list of names that must agree"
        ),
    )
    draws: int = Field(
        default=20_000, ge=100, description="draws from the reference posterior, where it is exact"
    )
    budget: float = Field(
        default=120.0,
        ge=0,
        description="seconds that NUTS may run on for if the study's own run does not qualify",
    )
    annealing: int = Field(
        default=2_000,
        ge=0,
        description=(
            "temperatures between prior and posterior, by which log p(x) is bounded from both sides where "
            "data were simulated from the model's own prior: more of them, closer bounds; 0 for none"
        ),
    )

    @field_validator("method")
    @classmethod
    def _known(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if value in ("auto", "none"):
            return value
        valid, asked = names("references"), (value,) if isinstance(value, str) else value
        for name in asked:
            if name not in valid:
                alone = "" if isinstance(value, tuple) else "auto, none, "
                hint = did_you_mean(name, [*valid, "auto", "none"])
                raise ValueError(f'there is no reference "{name}"{hint}; there are {alone}{", ".join(valid)}')
        if not asked or len(set(asked)) < len(asked):
            raise ValueError("the list of references is empty, or names one twice; name each once")
        return value


Judged = Literal["means", "sds", "parameters", "likelihood", "predictive", "co_clustering", "evidence"]
"""What a verdict may be about."""

JUDGED: tuple[Judged, ...] = ("means", "sds", "parameters", "likelihood", "predictive", "co_clustering")
"""What it is about if nothing else is said; of a user's own model, those of `JUDGED_OF_OWN`."""

JUDGED_OF_OWN: tuple[Judged, ...] = ("means", "sds", "likelihood")


class VerdictOptions(Options):
    """When a method's posterior agrees with the reference's. All margins are conventions of this project.

    A mean that is off by 0.25 posterior standard deviations turns a 95 % interval into a 94.3 % one: no
    reader would decide otherwise for it. Mean-field standard deviations are known to be too small, so that
    they are judged for gross errors only: half as wide a 95 % interval covers 67 %. The log likelihood may be
    off by what standard deviations too small by `sd_factor` throughout would do to it. An evidence gap below
    1 nat is, as a Bayes factor, "not worth more than a bare mention" (Kass & Raftery 1995).
    """

    methods: tuple[str, ...] | None = Field(
        default=None, description="the methods to judge, by name; without, every method of kind cavi"
    )
    judge: tuple[Judged, ...] | None = Field(
        default=None,
        min_length=1,
        description="the quantities that decide; without, means, sds, parameters (weights and precisions), "
        "likelihood, predictive and co_clustering; of your own model means, sds and likelihood",
    )
    margin: float = Field(
        default=0.25, gt=0, description="of means, in standard deviations of the reference posterior"
    )
    sd_factor: float = Field(
        default=2.0, gt=1, description="the largest factor between standard deviations, up or down"
    )
    sampler_sd_factor: float = Field(
        default=1.25, gt=1, description="the same of samplers, which claim to be exact; at most `sd_factor`"
    )
    predictive_distance: float = Field(
        default=0.05, gt=0, lt=1, description="the largest total variation between predictive densities"
    )
    co_clustering: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="the largest mean difference between the probabilities that two points belong together",
    )
    evidence_gap: float = Field(default=1.0, gt=0, description="the largest log p(x) - F(q_sym), in nats")
    error_rate: float = Field(
        default=0.01, gt=0, lt=0.5, description="chance of a wrong pass or fail, all quantities together"
    )

    def of_sampler(self) -> "VerdictOptions":
        """Return the same with the margin of what claims to be exact."""
        return self.model_copy(update={"sd_factor": min(self.sd_factor, self.sampler_sd_factor)})


Ranked = Literal["location", "weights", "log_likelihood", "log_joint", "together", "parameters"]

RANKED: tuple[Ranked, ...] = ("location", "weights", "log_likelihood", "log_joint", "together")
"""What a calibration can rank of mixtures, in reports' order: see `experiments.calibration`."""

RANKED_OF_OWN: tuple[Ranked, ...] = ("parameters", "log_likelihood", "log_joint")
"""What it can rank of models of the user's own: `quantities`, or all numbers that variables hold, and two."""


POINTS = 50
"""Of a simulated data set, if nothing else is said."""


class CalibrationOptions(Options):
    """How much is simulated, what is ranked, and when a method passes. The margins are this project's own."""

    around: Literal["prior", "data"] = Field(
        default="prior",
        description="prior draws parameters from the prior; data from the posterior given the data sets of "
        "the configuration, or your own model's, and fits these together with new points",
    )
    replicates: int = Field(default=200, ge=20, description="data sets that are simulated from each model")
    points: int | None = Field(
        default=None,
        ge=1,
        description="points of each simulated data set, N; without, 50, or as many as the data around which "
        "is simulated",
    )
    features: int | None = Field(default=None, ge=1, description="D; without, as many as the prior has")
    seed: int = Field(default=1, ge=0, description="the root of all seeds")
    draws: int = Field(default=200, ge=10, description="among how many draws the truth is ranked, at most")
    batch: int = Field(default=50, ge=1, description="replicates that a worker does at a time")
    quantities: tuple[Ranked, ...] | None = Field(
        default=None,
        min_length=1,
        description="what is ranked; without, all that the models have: parameters are those of your own "
        "models; location, weights and together those of mixtures",
    )
    judge: tuple[str, ...] | None = Field(
        default=None,
        description="the methods, by name, that decide how the command exits; without, those that claim to "
        "be exact (kinds gibbs and nuts), and all if there are none",
    )
    error_rate: float = Field(
        default=0.01, gt=0, lt=0.5, description="chance of a wrong flag, all that is judged together"
    )
    shift_margin: float = Field(
        default=0.25, gt=0, description="in posterior standard deviations: a bias that no longer matters"
    )
    width_margin: float = Field(
        default=1.25, gt=1, description="a factor between true and claimed spread that no longer matters"
    )

    @field_validator("quantities", "judge")
    @classmethod
    def _each_once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and (not value or len(set(value)) < len(value)):
            raise ValueError("the list is empty, or names one twice; name each once")
        return value


class BatchOptions(MemoryOptions):
    """How the batches are run."""

    workers: int | None = Field(
        default=None, ge=1, le=MOST_WORKERS, description="processes at a time; without, all cores"
    )
    time_limit: float = Field(default=1800.0, gt=0, description="seconds that one batch may take")
    output: str = Field(
        default="studies", min_length=1, description="the folder in which the calibration gets its own"
    )
