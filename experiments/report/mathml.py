"""MathML in small pieces: names, numbers, indices, laws, vectors, matrices; each a string of markup."""

from html import escape
from typing import Any

import numpy as np

from experiments.report.style.numbers import MINUS

_MOST = 6  # entries of a vector, or rows of a matrix, that are written out


def number(value: float) -> str:
    """Return a number as short as it can be said, as text."""
    return f"{float(value):.6g}".replace("-", MINUS)


def mi(name: str) -> str:
    """Return an identifier."""
    return f"<mi>{escape(name)}</mi>"


def mn(value: float | str) -> str:
    """Return a number."""
    return f"<mn>{escape(value if isinstance(value, str) else number(value))}</mn>"


def mo(sign: str) -> str:
    """Return an operator that does not stretch."""
    return f'<mo stretchy="false">{escape(sign)}</mo>'


def row(*parts: str) -> str:
    """Return parts side by side."""
    return f"<mrow>{''.join(parts)}</mrow>"


def sub(name: str, *indices: str) -> str:
    """Return a name with indices; an index is a letter or markup."""
    inside = "".join(index if index.startswith("<") else mi(index) for index in indices)
    return f"<msub>{mi(name)}<mrow>{inside}</mrow></msub>"


def sup(base: str, power: str) -> str:
    """Return a power of markup."""
    return f"<msup>{base}<mrow>{power}</mrow></msup>"


def law(name: str, *arguments: str) -> str:
    """Return a distribution with its parameters."""
    inside = "<mo>,</mo>".join(arguments)
    return f'<mi mathvariant="normal">{escape(name)}</mi>{mo("(")}{inside}{mo(")")}'


def vector(values: Any) -> str:
    """Return a number, or the entries of a vector in brackets; one number if all are equal."""
    flat = np.ravel(np.asarray(values, dtype=np.float64))
    if np.ptp(flat) == 0:
        return mn(flat[0])
    return row(mo("("), "<mo>,</mo>".join(entries(flat)), mo(")"))


def entries(values: Any) -> list[str]:
    """Return the entries of a vector, those in the middle of a long one as dots."""
    words = [mn(value) for value in np.ravel(values)]
    return words if len(words) <= _MOST else [*words[:2], "<mo>…</mo>", words[-1]]


def matrix(values: Any) -> str:
    """Return a symmetric matrix in brackets; a multiple of the identity as such."""
    values = np.asarray(values, dtype=np.float64)
    diagonal = np.diagonal(values)
    if len(values) == 1:
        return mn(values[0, 0])
    if np.count_nonzero(values - np.diag(diagonal)) == 0:
        if np.ptp(diagonal) == 0:
            return row(mn(diagonal[0]), mi("I"))
        return row(mi("diag"), vector(diagonal))
    if len(values) > _MOST:
        return f"<mtext>a {len(values)} × {len(values)} matrix</mtext>"
    rows = "".join(
        f"<mtr>{''.join(f'<mtd>{mn(value)}</mtd>' for value in values_of_row)}</mtr>"
        for values_of_row in values
    )
    return f"<mrow><mo>(</mo><mtable>{rows}</mtable><mo>)</mo></mrow>"
