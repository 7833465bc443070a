"""Numbers as text: as many digits as the standard error supports, and a dash where there is none."""

import math
import re
from dataclasses import dataclass, replace

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Shown:
    """A table's entry: a number, aligned at its point, or words, and what stands after it (``± 0.0002``).

    Its note becomes a footnote; its mark is the style sheet's class: ``pass``, ``fail``, ``undecided``,
    ``none``, or empty. `exact` is the number with all its digits, its error, unit and source.
    """

    text: str
    error: str = ""
    note: str = ""
    mark: str = ""
    numeric: bool = True
    exact: str = ""

    @property
    def decimals(self) -> int:
        """The number of digits after the point."""
        return len(self.text.partition(".")[2]) if self.numeric else 0

    @property
    def beside(self) -> str:
        """What is told where a reader points at it."""
        return "; ".join(part for part in (self.exact, self.note) if part)

    @property
    def plain(self) -> str:
        """The entry as one piece of text."""
        return f"{self.text} {self.error}".strip()


def exactly(value: float, error: float | None = None, *more: str) -> str:
    """Return a number to ten digits with its error, if that is known and not 0, and what else is given."""
    known = error is not None and math.isfinite(error) and error > 0
    return ", ".join(
        part for part in (f"{value:.10g}", f"standard error {error:.3g}" if known else "", *more) if part
    )


def from_source(shown: Shown, *about: str) -> Shown:
    """Return an entry that says, where it is pointed at, its unit and what it comes from; words stay."""
    said = ", ".join(part for part in about if part)
    return replace(shown, exact=f"{shown.exact}; {said}") if shown.exact and said else shown


def missing(note: str = "") -> Shown:
    """Return the entry for a figure that does not exist: a dash, never 0."""
    return Shown(DASH, note=note)


def fixed(value: float, decimals: int, sign: bool = False) -> str:
    """Return a number with a true minus sign; `sign` also writes a plus."""
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return typeset(text)


def typeset(text: str) -> str:
    """Return text with true minus signs before numbers and in 1e-7; words, ranges and names keep hyphens."""
    return re.sub(r"(?<![\w.)\]/-])-(?=\.?\d)|(?<=\de)-(?=\d)", MINUS, text)


def decimals_for(error: float) -> int:
    """Return how many decimals an error supports.

    The Particle Data Group's rule (Review of Particle Physics, Introduction, "Rounding"): of the three
    leading digits, 100 to 354 keep two digits, 355 to 949 keep one, 950 to 999 round up to 1000 and keep two.
    """
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0 ** (exponent - 2))
    keep = 2 if leading <= 354 else 1
    return max(0, keep - 1 - exponent) if leading < 950 else max(0, -exponent)


def with_error(value: float | None, error: float | None, note: str = "") -> Shown:
    """Return ``value ± error``; an exact value (error 0) stands alone."""
    if value is None or not math.isfinite(value):
        return missing(note or ("" if value is None else "not a finite number"))
    if error is None or not math.isfinite(error):
        return Shown(fixed(value, 3), note=note or "standard error unknown", exact=exactly(value))
    exact = exactly(value, error)
    if error <= 0.5 * 10**-_MOST_DECIMALS:
        return Shown(fixed(value, _MOST_DECIMALS), note=note, exact=exact)
    decimals = min(_MOST_DECIMALS, decimals_for(error))
    return Shown(fixed(value, decimals), f"± {fixed(error, decimals)}", note, exact=exact)


def with_spread(mean: float | None, sd: float | None) -> Shown:
    """Return ``mean ± sd``, the sd to two significant digits; a spread, not an uncertainty of the mean."""
    if mean is None or not math.isfinite(mean):
        return missing()
    if sd is None or not math.isfinite(sd) or sd <= 0:
        return Shown(fixed(mean, 3), exact=exactly(mean))
    decimals = min(_MOST_DECIMALS, max(0, 1 - math.floor(math.log10(sd))))
    exact = exactly(mean, None, f"standard deviation {sd:.4g}")
    return Shown(fixed(mean, decimals), f"± {fixed(sd, decimals)}", exact=exact)


def seconds(value: float | None) -> Shown:
    """Return a duration in seconds to about three significant digits."""
    if value is None or not math.isfinite(value):
        return missing()
    return Shown(seconds_text(value), exact=exactly(value, None, "seconds"))


def seconds_text(value: float) -> str:
    """Return the digits of a duration in seconds, without the unit."""
    for least, decimals in ((100, 0), (10, 1), (0.1, 2), (0.001, 3)):
        if value >= least:
            return fixed(value, decimals)
    return fixed(value, 5) if value > 0 else "0"


def rough(value: float | None, note: str = "") -> Shown:
    """Return a rate or a size to about three significant digits."""
    if value is None or not math.isfinite(value):
        return missing(note)
    magnitude = 0 if value == 0 else math.floor(math.log10(abs(value)))
    text = fixed(value, max(0, min(_MOST_DECIMALS, 2 - magnitude)))
    return Shown(thousands(text), note=note, exact=exactly(value))


def thousands(text: str) -> str:
    """Return digits grouped by thin spaces in front of the point, from five digits on."""
    whole, point, rest = text.partition(".")
    digits = whole.lstrip(MINUS)
    if len(digits) < 5:
        return text
    groups = f"{int(digits):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return whole[: len(whole) - len(digits)] + groups + point + rest
