"""What to conclude from a problem's figures, and what not, in plain sentences.

Each rule reads a few figures with their errors and says a sentence only where they support it; a figure that
does not exist silences its rule. `drawn` has the rules on what figures say, `not_drawn` those on what they do
not say, and `ranking` ranks bounds.
"""

from dataclasses import dataclass

from experiments.report.conclusions.drawn import drawn
from experiments.report.conclusions.not_drawn import not_drawn
from experiments.report.view import View


@dataclass(frozen=True)
class Conclusions:
    """Sentences that the figures support, and sentences on what they do not support."""

    drawn: list[str]
    not_drawn: list[str]


def conclusions(view: View) -> Conclusions:
    """Return what a careful reader would take from a problem, and what not."""
    return Conclusions(drawn(view), not_drawn(view))
