"""What a calibration found, in plain frozen data, for the report and the JSON document."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from experiments.calibration.effects import Coverage, Effect
from hand_cavi import Mixture

CALIBRATED = "calibrated"
UNDECIDED = "undecided"
FLAGS = ("over-confident", "under-confident", "biased", "wrong shape")
"""What a quantity, and a method, is called whose places are not uniform."""


@dataclass(frozen=True)
class QuantityResult:
    """One quantity under one method.

    Attributes
    ----------
    quantity : str
    decision : str
        ``calibrated``, one of `FLAGS`, or ``undecided``.
    findings : tuple of str
        All that was found wrong, in words; the first is the decision's.
    shift, width : Effect
        See `experiments.calibration.effects`.
    band_p, symmetry_p : float
        Of the places' empirical distribution against the simultaneous band; of symmetry (VSBC).
    coverage : tuple of Coverage
    places : ndarray, shape (n,)
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
    places: np.ndarray
    needs: int | None = None

    @property
    def flagged(self) -> bool:
        """Whether something is wrong."""
        return self.decision in FLAGS


@dataclass(frozen=True)
class MethodResult:
    """One method on one model.

    Attributes
    ----------
    method, kind : str
    judged : bool
        Whether it counts for the overall decision.
    decision : str
        As a quantity's; of flags, the first of `FLAGS` that any quantity has.
    sentence : str
    quantities : tuple of QuantityResult
        None where no replicate gave a posterior.
    replicates : int
        Those ranked.
    refused, failed : dict of str to int
        How many replicates were left out, by reason.
    ranked : float
        The mean number of draws among which the truth was ranked.
    processor_seconds : float
        Of all batches together.
    """

    method: str
    kind: str
    judged: bool
    decision: str
    sentence: str
    quantities: tuple[QuantityResult, ...]
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
class ModelResult:
    """One model with all its methods.

    Attributes
    ----------
    model : str
    mixture : Mixture
    about : str
        The model's formula, as plain text.
    methods : tuple of MethodResult
    """

    model: str
    mixture: Mixture
    about: str
    methods: tuple[MethodResult, ...]


@dataclass(frozen=True)
class CalibrationRecord:
    """A whole calibration.

    Attributes
    ----------
    name : str
    folder : Path
    decision : str
        ``calibrated``, ``flagged`` or ``undecided``, of what is judged.
    sentence : str
    models : tuple of ModelResult
    replicates, points : int
        As asked for.
    error_rate : float
        Chance of a wrong flag, all that is judged together.
    test_level : float
        That of each single test, corrected for their number; the bands have level 1 - this.
    shift_margin, width_margin : float
    config : str
    seed : int
    versions, machine : dict of str to str
    """

    name: str
    folder: Path
    decision: str
    sentence: str
    models: tuple[ModelResult, ...]
    replicates: int
    points: int
    error_rate: float
    test_level: float
    shift_margin: float
    width_margin: float
    config: str
    seed: int
    versions: dict[str, str]
    machine: dict[str, str]
