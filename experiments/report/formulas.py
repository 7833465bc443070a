"""The model, typeset: MathML for the page, plain text for Markdown. One function per family and weights.

A family or weights prior without a function here is described by the study's own sentence alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from markupsafe import Markup

from experiments.report.numbers import MINUS
from hand_cavi import Mixture


@dataclass(frozen=True)
class Line:
    """One line of the generative story.

    Attributes
    ----------
    left, right : str
        MathML on either side of the ~ sign.
    text : str
        The same as plain text.
    where : str
        For which indices it holds, in words.
    """

    left: Markup
    right: Markup
    text: str
    where: str


def story(mixture: Mixture) -> list[Line]:
    """Return the lines of the generative story, or nothing if the family has none here."""
    family, weights = _FAMILIES.get(mixture.components.name), _WEIGHTS.get(mixture.weights.name)
    if family is None or weights is None:
        return []
    prior, likelihood = family(mixture.components)
    return [prior, weights(mixture), likelihood]


def number(value: float) -> str:
    """Return a number as short as it can be said."""
    return f"{float(value):.6g}".replace("-", MINUS)


def _vector(values: Any) -> str:
    flat = np.unique(np.asarray(values, dtype=np.float64))
    if flat.size == 1:
        return number(flat[0])
    return "(" + ", ".join(number(v) for v in np.ravel(values)) + ")"


def _mi(name: str) -> str:
    return f"<mi>{escape(name)}</mi>"


def _mn(text: str) -> str:
    return f"<mn>{escape(text)}</mn>"


def _sub(name: str, index: str) -> str:
    return f"<msub>{_mi(name)}{_mi(index)}</msub>"


def _law(name: str, *arguments: str) -> str:
    inside = "<mo>,</mo>".join(arguments)
    opening, closing = ('<mo stretchy="false">' + bracket + "</mo>" for bracket in "()")
    return f'<mi mathvariant="normal">{escape(name)}</mi>{opening}{inside}{closing}'


def _normal_known_variance(prior: Any) -> tuple[Line, Line]:
    mean, variance, noise = _vector(prior.mean), number(prior.variance), number(prior.noise_variance)
    shape = "" if prior.n_features == 1 else " I"
    identity = _mi("I") if shape else ""
    chosen = "<msub><mi>μ</mi><msub><mi>c</mi><mi>i</mi></msub></msub>"
    given = f"{_sub('x', 'i')}<mo>∣</mo>{_sub('c', 'i')}"
    return (
        Line(
            Markup(_sub("μ", "k")),
            Markup(_law("Normal", _mn(mean), _mn(variance) + identity)),
            f"μ_k ~ Normal({mean}, {variance}{shape})",
            "for each component",
        ),
        Line(
            Markup(given),
            Markup(_law("Normal", chosen, _mn(noise) + identity)),
            f"x_i | c_i ~ Normal(μ_(c_i), {noise}{shape})",
            "for each point; mean and variance",
        ),
    )


def _fixed(mixture: Mixture) -> Line:
    k = mixture.n_components
    share = f"<mrow>{_mn('1')}<mo>/</mo>{_mn(str(k))}</mrow>"
    return Line(
        Markup(_sub("c", "i")),
        Markup(_law("Categorical", share, "<mo>…</mo>", share)),
        f"c_i ~ Categorical(1/{k}, …, 1/{k})",
        f"for each point; {k} components, equal weights",
    )


_FAMILIES: dict[str, Callable[[Any], tuple[Line, Line]]] = {"normal_known_variance": _normal_known_variance}
_WEIGHTS: dict[str, Callable[[Mixture], Line]] = {"fixed": _fixed}
