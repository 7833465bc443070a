"""A whole calibration; what it found of each model is in `experiments.records.calibration`."""

from dataclasses import dataclass
from pathlib import Path

from experiments.records.calibration import CALIBRATED
from experiments.records.calibration import MethodCalibration as MethodResult
from experiments.records.calibration import ModelCalibration as ModelResult
from experiments.records.calibration import QuantityCalibration as QuantityResult

__all__ = ["CALIBRATED", "CalibrationRecord", "MethodResult", "ModelResult", "QuantityResult"]


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
