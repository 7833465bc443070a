"""Judge whether a method's posterior agrees with the reference, within stated margins.

The three questions of docs/how-it-judges.md, "The verdict": does the method show what no correct method can
(`impossible_bounds`); can anything be said; is every judged quantity within its margin (`equivalence`)?
"""

from experiments.verdict.cell import verdict_of_cell
from experiments.verdict.of_study import only_unfinished, verdict_of_study
from experiments.verdict.wording import MARGIN

__all__ = ["MARGIN", "only_unfinished", "verdict_of_cell", "verdict_of_study"]
