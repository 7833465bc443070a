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

    Attributes
    ----------
    decision, findings : str, tuple of str
        ``calibrated``, one of `FLAGS`, or ``undecided``; all that was found wrong, the decision's first.
    shift, width : Effect
        See `experiments.calibration.effects`.
    band_p, symmetry_p : float
        Of the ranks' empirical distribution against the simultaneous band; of symmetry (VSBC).
    needs : int or None
        About how many replicates would decide an undecided one.
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

    Attributes
    ----------
    decision : str
        As a quantity's; of flags, the first of `FLAGS` that any quantity has.
    quantities : tuple of QuantityCalibration
        None where no replicate gave a posterior.
    replicates, refused, failed : int, dict of str to int
        How many were ranked, and how many were left out, by reason.
    ranked, processor_seconds : float
        The mean number of draws among which the truth was ranked; of all batches together.
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

    `test_level` is the error rate of each single test, corrected for their number; bands have level 1 - this.
    """

    replicates: int
    points: int
    error_rate: float
    test_level: float
    shift_margin: float
    width_margin: float


@dataclass(frozen=True)
class ModelCalibration:
    """One model, its formula as plain text (`about`), and all its methods."""

    model: str
    mixture: Mixture
    about: str
    methods: tuple[MethodCalibration, ...]
    design: Design
