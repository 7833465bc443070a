"""What is said of a result: measurements, comparisons, verdicts."""

from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Threshold:
    """What a figure is held against, in its unit; a good one is ``at most`` or ``at least`` that (`sense`).

    The source says so, such as ``Vehtari et al. (2024)``; it is empty for a convention of this project.
    """

    value: float
    sense: str
    source: str = ""

    @property
    def is_convention(self) -> bool:
        """Whether it is a convention of this project, not of the literature."""
        return not self.source


@dataclass(frozen=True)
class Measurement:
    """A metric's value: a number or an array, with standard errors of the same shape.

    Attributes
    ----------
    value, standard_error : float, list of floats, or None
        None where the figure does not exist; a standard error of 0 means exact.
    unit, note : str
        ``nats``, ``data`` (the data's unit), ...; why there is no figure, or how to read it, or nothing.
    interval : tuple of float
        Both ends of a 95 % interval where a standard error would mislead, such as a share's; else empty.
    entries : tuple of str
        What the entries of a list are called; empty where their order says it.
    """

    value: float | list[Any] | None
    standard_error: float | list[Any] | None = None
    unit: str = ""
    note: str = ""
    interval: tuple[float, ...] = ()
    threshold: Threshold | None = None
    entries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One quantity of a verdict, such as ``sorted mean 1``: a method's figure against the reference's.

    Attributes
    ----------
    difference, standard_error, low, high : float
        Method minus reference in `unit`, and the interval that holds it at the verdict's error rate.
    decision, needs : str
        ``pass``, ``fail`` or ``undecided``; what would decide it, such as ``about 4 times as many draws``.
    unit : str
        ``reference sd``, ``log ratio`` (of standard deviations), ``total variation``, ``nats``, ...
    margin : float or None
        The largest difference that counts as agreement, in the same unit; None: the verdict's.
    """

    quantity: str
    difference: float
    standard_error: float
    low: float
    high: float
    decision: str
    unit: str = "reference sd"
    margin: float | None = None
    needs: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a method's posterior agrees with the reference, and a sentence on it for a newcomer.

    Attributes
    ----------
    decision, needs : str
        ``pass``, ``fail``, ``undecided``, or ``none`` where no verdict was due; what would decide it.
    margin : float
        Of the means, in reference standard deviations.
    impossible : tuple of str
        What the method showed that no correct method can, such as a bound above the evidence; with any of
        these the verdict is ``fail``, whatever the comparisons say.
    on_the_data : str
        Of a study: whether what was fitted fits the data, in sentences of its own; it decides nothing.
    judged : tuple of str
        What was compared, such as ``means``; of a study in any of its cells. Empty if nothing was.
    """

    decision: str
    sentence: str
    margin: float
    comparisons: tuple[Comparison, ...] = ()
    needs: str = ""
    impossible: tuple[str, ...] = ()
    on_the_data: str = ""
    judged: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return f"<p><strong>{escape(self.sentence)}</strong></p>"
