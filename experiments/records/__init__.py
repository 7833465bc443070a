"""What the packages of `experiments` hand to each other: problems, results, records.

Plain frozen data, no behaviour beyond what a reader of a record needs. Letters: N points, D features,
K components, S draws, C chains of M draws. On disk draws are DataTrees with dimensions (chain, draw,
component, feature).
"""

from experiments.records.calibration import (
    Coverage,
    Design,
    Effect,
    MethodCalibration,
    ModelCalibration,
    QuantityCalibration,
)
from experiments.records.measured import Comparison, Measurement, Threshold, Verdict
from experiments.records.problem import Condensation, Draws, Problem
from experiments.records.result import Bracket, Estimate, Fitted, MethodResult, NotFinite, Reference, Told
from experiments.records.study import (
    Cell,
    CellRecord,
    Judgement,
    Manifest,
    ProblemEntry,
    ProblemRecord,
    StudyRecord,
)
from experiments.records.target import Approximation, Symmetrised

__all__ = [
    "Approximation",
    "Bracket",
    "Cell",
    "CellRecord",
    "Comparison",
    "Condensation",
    "Coverage",
    "Design",
    "Draws",
    "Effect",
    "Estimate",
    "Fitted",
    "Judgement",
    "Manifest",
    "Measurement",
    "MethodCalibration",
    "MethodResult",
    "ModelCalibration",
    "NotFinite",
    "Problem",
    "ProblemEntry",
    "ProblemRecord",
    "QuantityCalibration",
    "Reference",
    "StudyRecord",
    "Symmetrised",
    "Threshold",
    "Told",
    "Verdict",
]
