"""A line of a generative story: plain text for a sentence and MathML for a page, both from one call."""

from dataclasses import dataclass

import numpy as np

from experiments.families.mathml import C_I, MINUS_ONE, mi, mn, mo, row, sub, sup

_MOST = 6  # entries of a vector, or rows of a matrix, that are written out
_LETTERS = {"mu": "μ", "lambda": "λ", "Lambda": "Λ", "rate": "λ", "pi": "π", "alpha": "α"}
SCALAR, MATRIX = "1/{}", "{}^-1"
"""How plain text writes an inverse: that of a scalar, that of a matrix."""


@dataclass(frozen=True)
class Term:
    """A piece of a formula; as a string it is the text, and a template that escapes it gets the MathML."""

    text: str
    mathml: str = ""

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        return self.mathml

    def given(self, condition: "Term") -> "Term":
        """Return what this is given."""
        return Term(f"{self} given {condition}", f"{self.mathml}<mo>∣</mo>{condition.mathml}")

    def scaled_inverse(self, scale: np.ndarray, inverse: str) -> "Term":
        """Return (scale this)^-1."""
        factor = vector(scale)
        mathml = sup(row(mo("("), factor.mathml, self.mathml, mo(")")), MINUS_ONE)
        return Term(inverse.format(f"({factor} {self})"), mathml)


@dataclass(frozen=True)
class Line:
    """One line of the story; its string is the plain text.

    `where` says beside the MathML for which indices it holds, `aside` what only plain text says after it.
    The sign is = for what is no random variable.
    """

    left: Term
    right: Term
    where: str = ""
    sign: str = "∼"
    aside: str = ""

    def __str__(self) -> str:
        return f"{self.left} {self.sign.replace('∼', '~')} {self.right}{self.aside}"


def entries(values: np.ndarray) -> list[Term]:
    """Return the entries of a vector, those in the middle of a long one as dots."""
    found = [_number(value) for value in np.ravel(values)]
    return found if len(found) <= _MOST else [*found[:2], Term("...", "<mo>…</mo>"), found[-1]]


def vector(values: np.ndarray | float) -> Term:
    """Return a number, or the entries of a vector in brackets; one number if all entries are equal."""
    flat = np.ravel(values)
    if np.ptp(flat) == 0:
        return _number(flat[0])
    text, mathml = _listed(entries(flat))
    return Term(f"({text})", row(mo("("), mathml, mo(")")))


def matrix(values: np.ndarray) -> Term:
    """Return a symmetric matrix: as a multiple of I, by its diagonal, or row by row."""
    diagonal, size = np.diagonal(values), len(values)
    if size == 1:
        return _number(values[0, 0])
    if np.count_nonzero(values - np.diag(diagonal)) == 0:
        shown = vector(diagonal)
        if np.ptp(diagonal) == 0:
            return Term(f"{shown} I", row(shown.mathml, mi("I")))
        return Term(f"diag{shown}", row(mi("diag"), shown.mathml))
    if size > _MOST:
        return Term(f"a {size} x {size} matrix", f"<mtext>a {size} × {size} matrix</mtext>")
    text = "; ".join(", ".join(f"{value:g}" for value in each) for each in values)
    rows = "".join(f"<mtr>{''.join(f'<mtd>{mn(value)}</mtd>' for value in each)}</mtr>" for each in values)
    return Term(f"[{text}]", row("<mo>(</mo>", f"<mtable>{rows}</mtable>", "<mo>)</mo>"))


def symbol(name: str, *indices: str) -> Term:
    """Return a name with indices, such as mu_k."""
    letter = _LETTERS.get(name, name)
    if not indices:
        return Term(name, mi(letter))
    return Term(f"{name}_{''.join(indices)}", sub(letter, *indices))


def of_point(name: str, *indices: str, inverse: str = "") -> Term:
    """Return a parameter of the component that a point belongs to, such as mu_{c_i}, or its inverse."""
    letter, text = _LETTERS.get(name, name), f"{name}_{{{','.join(['c_i', *indices])}}}"
    if not inverse:
        return Term(text, sub(letter, C_I, *indices))
    below = row(C_I, *(mi(index) for index in indices))
    return Term(inverse.format(text), f"<msubsup>{mi(letter)}{below}{MINUS_ONE}</msubsup>")


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


C = symbol("c", "i")


def point(*indices: str) -> Term:
    """Return x_i given c_i, the left side of a likelihood."""
    return symbol("x", "i", *indices).given(C)


def _number(value: float) -> Term:
    return Term(f"{value:g}", mn(value))


def _listed(terms: list[Term] | tuple[Term, ...]) -> tuple[str, str]:
    return ", ".join(term.text for term in terms), "<mo>,</mo>".join(term.mathml for term in terms)
