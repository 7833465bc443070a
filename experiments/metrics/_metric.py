"""What a metric says of itself: which part of the report it belongs to, its label, and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.metrics._context import Context
from experiments.records import Measurement

Compute = Callable[[Context], Measurement]

OTHERS = "Other metrics"
"""The theme of what is of no other."""


@dataclass(frozen=True)
class Metric:
    """A function of a `Context`, which gives name and description, and what is known of it.

    It stands in the report's table `theme` (empty: elsewhere), which calls it `label`. `only` is the one kind
    of studies that has it, ``mixtures`` or ``own``; empty: all.
    """

    compute: Compute
    theme: str
    label: str
    only: str = ""

    def __call__(self, context: Context) -> Measurement:
        """Return the measurement."""
        return self.compute(context)

    @property
    def name(self) -> str:
        """Its name in records and in the configuration."""
        return self.compute.__name__

    @property
    def about(self) -> str:
        """One sentence on it."""
        return (self.compute.__doc__ or "").partition("\n")[0]

    def applies(self, context: Context) -> bool:
        """Whether results of this kind of study have the figure at all."""
        return self.only in ("", "own" if context.problem is None else "mixtures")


def metric(*, theme: str = "", label: str = "", only: str = "") -> Callable[[Compute], Metric]:
    """Make a metric of a function; see `Metric`. Without a label it goes by its name."""

    def made(compute: Compute) -> Metric:
        return Metric(compute, theme, label or compute.__name__.replace("_", " "), only)

    return made
