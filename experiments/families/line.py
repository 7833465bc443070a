"""A line of a generative story, in two notations at once: plain text for a sentence, MathML for a page.

Both are written by the same call, so that they cannot tell of different models.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from experiments.families.mathml import C_I, MINUS_ONE, mi, mn, mo, row, sub, sup, table

_MOST = 6  # entries of a vector, or rows of a matrix, that are written out
_LETTERS = {"mu": "μ", "lambda": "λ", "Lambda": "Λ", "rate": "λ", "pi": "π", "alpha": "α"}
RECIPROCAL, MATRIX = "1/{}", "{}^-1"
"""How plain text writes an inverse: that of a number, that of a matrix."""


@dataclass(frozen=True)
class Term:
    """A piece of a formula; as a string it is the text, and a template that escapes it gets the MathML."""

    text: str
    mathml: str = ""

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        return self.mathml


@dataclass(frozen=True)
class Line:
    """One line of the story.

    Attributes
    ----------
    left, right : Term
        Either side of the sign.
    where : str
        For which indices it holds, in words, beside the MathML.
    sign : str
        Between the two: ∼, or = for what is no random variable.
    aside : str
        What plain text says after it.
    """

    left: Term
    right: Term
    where: str = ""
    sign: str = "∼"
    aside: str = ""

    def __str__(self) -> str:
        return f"{self.left} {self.sign.replace('∼', '~')} {self.right}{self.aside}"


def number(value: ArrayLike) -> Term:
    """Return a single number."""
    return Term(f"{np.asarray(value).item():g}", mn(np.asarray(value).item()))


def entries(values: ArrayLike) -> list[Term]:
    """Return the entries of a vector, those in the middle of a long one as dots."""
    found = [number(value) for value in np.ravel(values)]
    return found if len(found) <= _MOST else [*found[:2], Term("...", "<mo>…</mo>"), found[-1]]


def vector(values: np.ndarray) -> Term:
    """Return a number, or the entries of a vector in brackets; one number if all entries are equal."""
    if np.ptp(values) == 0:
        return number(np.ravel(values)[0])
    text, mathml = _listed(entries(values))
    return Term(f"({text})", row(mo("("), mathml, mo(")")))


def matrix(values: np.ndarray) -> Term:
    """Return a symmetric matrix: as a multiple of I, by its diagonal, or row by row."""
    diagonal, size = np.diagonal(values), len(values)
    if size == 1:
        return number(values[0, 0])
    if np.count_nonzero(values - np.diag(diagonal)) == 0:
        shown = vector(diagonal)
        if np.ptp(diagonal) == 0:
            return Term(f"{shown} I", row(shown.mathml, mi("I")))
        return Term(f"diag{shown}", row(mi("diag"), shown.mathml))
    if size > _MOST:
        return Term(f"a {size} x {size} matrix", f"<mtext>a {size} × {size} matrix</mtext>")
    cells = [[number(value) for value in each] for each in values]
    text = "; ".join(", ".join(cell.text for cell in each) for each in cells)
    return Term(f"[{text}]", table([[cell.mathml for cell in each] for each in cells]))


def symbol(name: str, *indices: str) -> Term:
    """Return a name with indices, such as mu_k."""
    letter = _LETTERS.get(name, name)
    if not indices:
        return Term(name, mi(letter))
    return Term(f"{name}_{''.join(indices)}", sub(letter, *indices))


def of_point(name: str, *indices: str) -> Term:
    """Return a parameter of the component that a point belongs to, such as mu_{c_i}."""
    return Term(f"{name}_{{{','.join(['c_i', *indices])}}}", sub(_LETTERS.get(name, name), C_I, *indices))


def inverse_of_point(name: str, *indices: str, written: str = RECIPROCAL) -> Term:
    """Return the inverse of `of_point`."""
    below = row(C_I, *(mi(index) for index in indices))
    mathml = f"<msubsup>{mi(_LETTERS.get(name, name))}{below}{MINUS_ONE}</msubsup>"
    return Term(written.format(of_point(name, *indices)), mathml)


def inverse_of_scaled(scale: ArrayLike, term: Term, written: str = RECIPROCAL) -> Term:
    """Return (scale term)^-1."""
    factor = number(scale)
    mathml = sup(row(mo("("), factor.mathml, term.mathml, mo(")")), MINUS_ONE)
    return Term(written.format(f"({factor} {term})"), mathml)


def given(left: Term, condition: Term) -> Term:
    """Return what is random, and given what."""
    return Term(f"{left} given {condition}", f"{left.mathml}<mo>∣</mo>{condition.mathml}")


def law(name: str, *arguments: Term, short: str = "") -> Term:
    """Return a distribution with its parameters; `short` is its name in plain text, if another."""
    text, mathml = _listed(arguments)
    return Term(f"{short or name}({text})", f'<mi mathvariant="normal">{name}</mi>{mo("(")}{mathml}{mo(")")}')


def normal(mean: Term, spread: Term) -> Term:
    """Return the normal distribution."""
    return law("Normal", mean, spread, short="N")


def gamma(shape: Term, rate: Term) -> Term:
    """Return the gamma distribution; plain text says which of the two is the rate."""
    return law("Gamma", shape, Term(f"rate {rate}", rate.mathml))


def by_feature(n_features: int) -> tuple[tuple[str, ...], str]:
    """Return the index of a feature, none if there is but one, and for which indices a line holds."""
    return (("d",), "for each component and feature") if n_features > 1 else ((), "for each component")


X, C = symbol("x", "i"), symbol("c", "i")


def point(*indices: str) -> Term:
    """Return x_i given c_i, the left side of a likelihood."""
    return given(symbol("x", "i", *indices), C)


def _listed(terms: list[Term] | tuple[Term, ...]) -> tuple[str, str]:
    return ", ".join(term.text for term in terms), "<mo>,</mo>".join(term.mathml for term in terms)
