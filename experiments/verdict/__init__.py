"""Judge whether a method's posterior agrees with the reference, within stated margins.

Three questions, in this order:

1. Does the method show what no correct method can (`impossible`)? Then it fails, even without
   a reference.
2. Is there a reference that qualifies, and has the method figures that can be trusted? If not,
   nothing passes and nothing else fails.
3. Is every judged quantity within its margin, by equivalence tests at one error rate
   (`equivalence`)? All inside: pass. One wholly outside: fail. Else undecided, with the draws
   that would decide it. A method that says itself that it did not finish fails even if it agrees so far.

Which quantities are judged, their margins and the error rate are conventions of this project and stand in
the configuration (`VerdictOptions`). Those not judged are measured and reported all the same.
"""

from experiments.verdict.cell import verdict_of_cell
from experiments.verdict.of_study import only_unfinished, verdict_of_study
from experiments.verdict.wording import MARGIN

__all__ = ["MARGIN", "only_unfinished", "verdict_of_cell", "verdict_of_study"]
