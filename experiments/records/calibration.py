"""What a calibration found."""

from dataclasses import dataclass, field

import numpy as np

from hand_cavi import Mixture

CALIBRATED = "calibrated"
UNDECIDED = "undecided"
FLAGS = ("over-confident", "under-confident", "biased", "wrong shape")
"""What a quantity, and a method, is called whose ranks are not uniform."""


@dataclass(frozen=True)
class Effect:
    """An effect size, an interval for it, and the (two-sided) chance of one as large if there is none."""

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Coverage:
    """How often central intervals of a `level` held the truth: a `share`, with Wilson's 95 % interval."""

    level: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class QuantityCalibration:
    """One quantity under one method, by the ranks of the truth among draws, shape (n,), between 0 and 1.

    The decision is ``calibrated``, one of `FLAGS`, or ``undecided``; the findings are all that is wrong, the
    decision's first. Shift, width and symmetry (VSBC) are those of `experiments.calibration.effects`,
    `band_p` is of the simultaneous band, and about `needs` replicates would decide an undecided one.
    """

    quantity: str
    decision: str
    findings: tuple[str, ...]
    shift: Effect
    width: Effect
    band_p: float
    symmetry_p: float
    coverage: tuple[Coverage, ...]
    ranks: np.ndarray
    needs: int | None = None

    @property
    def flagged(self) -> bool:
        """Whether something is wrong."""
        return self.decision in FLAGS


@dataclass(frozen=True)
class MethodCalibration:
    """One method on one model; `judged` if it counts for the overall decision.

    The decision is as a quantity's; of flags, the first of `FLAGS` that any has. There is no quantity where
    no replicate gave a posterior. `replicates` were ranked, `refused` and `failed` left out, by reason;
    `ranked` is the mean number of draws among which, and `processor_seconds` are of all batches together.
    """

    method: str
    kind: str
    judged: bool
    decision: str
    sentence: str
    quantities: tuple[QuantityCalibration, ...]
    replicates: int
    refused: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    ranked: float = 0.0
    processor_seconds: float = 0.0

    @property
    def flagged(self) -> bool:
        """Whether something is wrong."""
        return self.decision in FLAGS


@dataclass(frozen=True)
class Design:
    """How much was simulated, and by which margins it was judged, as `CalibrationOptions` has it.

    `points` is None where the model says how many, or data do; `around` is ``prior`` or ``data``: from where
    parameters were drawn. `test_level` is the error rate of each single test, corrected for their number;
    bands have level 1 - this.
    """

    replicates: int
    points: int | None
    error_rate: float
    test_level: float
    shift_margin: float
    width_margin: float
    around: str = "prior"


@dataclass(frozen=True)
class ModelCalibration:
    """One model, its formula as plain text (`about`), and all its methods.

    The mixture is None where it is a model of the user's own.
    """

    model: str
    mixture: Mixture | None
    about: str
    methods: tuple[MethodCalibration, ...]
    design: Design
