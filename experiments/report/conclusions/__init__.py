"""What to conclude from a problem's figures, and what not: sentences, each only where figures support it."""

from experiments.report.conclusions.drawn import drawn
from experiments.report.conclusions.not_drawn import not_drawn
from experiments.report.view import View


def conclusions(view: View) -> dict[str, list[str]]:
    """Return what a careful reader would take from a problem, and what not, by their headings."""
    return {"What the figures say": drawn(view), "What they do not say": not_drawn(view)}
