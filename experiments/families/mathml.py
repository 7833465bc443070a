"""MathML in small pieces: names, numbers, indices, powers; each a string of markup."""

from html import escape


def mi(name: str) -> str:
    """Return an identifier."""
    return f"<mi>{escape(name)}</mi>"


def mn(value: float) -> str:
    """Return a number, as short as it can be said."""
    return f"<mn>{float(value):.6g}</mn>".replace("-", "\N{MINUS SIGN}")


def mo(sign: str) -> str:
    """Return an operator that does not stretch."""
    return f'<mo stretchy="false">{escape(sign)}</mo>'


def row(*parts: str) -> str:
    """Return parts side by side."""
    return f"<mrow>{''.join(parts)}</mrow>"


def sub(name: str, *indices: str) -> str:
    """Return a name with indices; an index is a letter or markup."""
    inside = (index if index.startswith("<") else mi(index) for index in indices)
    return f"<msub>{mi(name)}{row(*inside)}</msub>"


def sup(base: str, power: str) -> str:
    """Return a power of markup."""
    return f"<msup>{base}{row(power)}</msup>"


C_I = sub("c", "i")
"""The component of point i, an index."""

MINUS_ONE = row(mo("\N{MINUS SIGN}"), mn(1))
