"""How a table is read, and what a word in it is where a number should be: a complaint's second half."""

import re
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from experiments.config.options import Options
from hand_cavi import InputError

_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", ".", "?"})
DROP = '--missing drop (in a configuration: missing = "drop")'
_COMMA = '--decimal "," (in a configuration: decimal = ",")'
_NUMBER = r"[-+]?\d[\d.,]*"
_KINDS = {
    r"true|false|yes|no|[tfyn]": "a truth value; write 1 and 0, or read the column as categories",
    r"(\d{4}([-/.])\d\d?(\2\d\d?)?|\d\d?([-/.])\d\d?\4\d{2,4}|\d\d?[- ][a-z]{3,9}[- ]\d{2,4}"
    r"|[a-z]{3,9} \d\d?,? \d{4})([t ].*)?": "a date; make numbers of dates, such as days since the first",
    r"\d\d?:\d\d(:\d\d([.,]\d+)?)?( ?[ap]m)?": "a time of day; make a number of it, such as hours",
    r"[-+]?\d{1,3},\d{3}": f"a number with a comma; if decimals follow it, read it with {_COMMA}, and if it "
    "separates thousands, take it out",
    r"[-+]?\d{1,3}([.,'’\s]\d{3})+([.,]\d*)?": "a number with separators of thousands; write it without them",
    r"[-+]?\d*,\d+(e[-+]?\d+)?": f"a number with a decimal comma; read it with {_COMMA}",
    r"[-+]?\d*\.\d*(e[-+]?\d+)?": "a number with a decimal point, where commas were asked for",
    rf"[<>≤≥] ?{_NUMBER}": "a limit and no value; decide which number shall stand for it",
    rf"[€$£¥] ?{_NUMBER}|{_NUMBER}\s*[^\d\s.,+-]+": "a number and something else; leave the number alone",
}
_ARRAYS = {
    "b": "truth values, not numbers; write 1 and 0, or read the column as categories",
    "M": "dates, not numbers; make numbers of dates, such as days since the first",
    "m": "durations, not numbers; divide them by a unit, such as days",
    "c": "complex numbers, not real ones; take their real parts, or both parts as two columns",
}


class Reading(Options):
    """How a file is read."""

    weight_column: str = Field(
        default="", description="the column that says how many points each row stands for"
    )
    separator: str = Field(
        default="", max_length=1, description="between columns of a text; without, as its first line has it"
    )
    decimal: Literal[".", ","] = Field(default=".", description="what stands before the decimals, in a text")
    missing: Literal["refuse", "drop"] = Field(
        default="refuse",
        description="what becomes of rows with a missing value; how many were dropped is said",
    )

    @field_validator("separator")
    @classmethod
    def _separates(cls, value: str) -> str:
        if value in ("\n", "\r", '"', "\0"):
            raise ValueError(
                "a line's end, a quotation mark or NUL separates no columns; name another character"
            )
        return value

    @property
    def drops(self) -> bool:
        """Whether rows with a missing value are dropped."""
        return self.missing == "drop"

    @property
    def weights(self) -> tuple[str, ...]:
        """The column of weights, if there is one."""
        return (self.weight_column,) if self.weight_column else ()

    def number(self, word: str) -> float | None:
        """Return a finite number, NaN where a value is missing that may be dropped, or None."""
        if self.drops and is_missing(word):
            return np.nan
        if self.decimal == ",":
            word = "" if "." in word else word.replace(",", ".")
        value = as_number(word)
        return value if value is not None and np.isfinite(value) else None


def is_missing(word: str) -> bool:
    """Whether a word stands for a missing value."""
    return word.strip().lower() in _MISSING


def as_number(word: str) -> float | None:
    """Return the number that a word is, or None."""
    try:
        return float(word) if "_" not in word else None
    except ValueError:
        return None


def no_number(where: str, column: str, word: str, unit: str, found: str = "") -> InputError:
    """Say that a word is no number, what it seems to be, and what to do; `found` is how it is shown."""
    word = word.strip()
    found = found or (f'"{word}"' if word else "nothing")
    mend = f"fill it in, or leave such {unit}s out by {DROP}"
    if not is_missing(word):
        mend = f"mend the value or remove the {unit}"
    kinds = (said for form, said in _KINDS.items() if word != "." and re.fullmatch(form, word, re.I))
    said = next(kinds, f"where a finite number is needed; {mend}")
    return InputError(f'{where}: column "{column}" holds {found}, {said}')


def refuse_other_than_numbers(name: str, column: str, dtype: np.dtype) -> None:
    """Raise InputError if a column's kind is not that of real numbers."""
    if dtype.kind not in "iuf":
        text = "text or the like, not numbers; make numbers of it, or read the column as categories"
        raise InputError(f'{name}: column "{column}" holds {_ARRAYS.get(dtype.kind, text)}')
