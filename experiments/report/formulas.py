"""The model, typeset: MathML for the page, plain text for Markdown. One function per family and weights.

A family or weights prior without a function here is described by the study's own sentence alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from experiments.report.mathml import entries, law, matrix, mi, mn, mo, row, sub, sup, vector
from hand_cavi import Mixture

_MINUS_ONE = row(mo("−"), mn("1"))


@dataclass(frozen=True)
class Line:
    """One line of the generative story.

    Attributes
    ----------
    left, right : str
        MathML on either side of the sign.
    where : str
        For which indices it holds, in words.
    sign : str
        Between the two: ~, or = for what is no random variable.
    """

    left: Markup
    right: Markup
    where: str
    sign: str = "∼"


def story(mixture: Mixture) -> list[Line]:
    """Return the lines of the generative story, or nothing if the family has none here."""
    family, weights = _FAMILIES.get(mixture.components.name), _WEIGHTS.get(mixture.weights.name)
    if family is None or weights is None:
        return []
    *prior, likelihood = family(mixture.components)
    return [*prior, *weights(mixture), likelihood]


def _line(left: str, right: str, where: str, sign: str = "∼") -> Line:
    return Line(Markup(left), Markup(right), where, sign)


def _given(left: str, condition: str) -> str:
    return f"{left}<mo>∣</mo>{condition}"


def _chosen(name: str, *indices: str) -> str:
    """Return a parameter of the component that a point belongs to, such as mu_{c_i}."""
    return sub(name, sub("c", "i"), *indices)


def _scaled_inverse(scale: float, what: str) -> str:
    """Return (scale what)^-1."""
    return sup(row(mo("("), mn(scale), what, mo(")")), _MINUS_ONE)


def _inverse_of_chosen(name: str, *indices: str) -> str:
    """Return the inverse of a parameter of the component that a point belongs to."""
    inside = row(sub("c", "i"), *(mi(index) for index in indices))
    return f"<msubsup>{mi(name)}{inside}{_MINUS_ONE}</msubsup>"


def _normal_known_variance(prior: Any) -> list[Line]:
    identity = "" if prior.n_features == 1 else mi("I")
    return [
        _line(
            sub("μ", "k"),
            law("Normal", vector(prior.mean), mn(float(prior.variance)) + identity),
            "for each component",
        ),
        _line(
            _given(sub("x", "i"), sub("c", "i")),
            law("Normal", _chosen("μ"), mn(prior.noise_variance) + identity),
            "for each point; mean and variance",
        ),
    ]


def _normal_gamma(prior: Any) -> list[Line]:
    d, each = _feature(prior)
    precision = sub("λ", "k", *d)
    return [
        _line(precision, law("Gamma", mn(float(prior.shape)), vector(prior.rate)), f"{each}; shape and rate"),
        _line(
            _given(sub("μ", "k", *d), precision),
            law("Normal", vector(prior.mean), _scaled_inverse(float(prior.precision_scale), precision)),
            f"{each}; mean and variance",
        ),
        _line(
            _given(sub("x", "i", *d), sub("c", "i")),
            law("Normal", _chosen("μ", *d), _inverse_of_chosen("λ", *d)),
            "for each point; mean and variance",
        ),
    ]


def _normal_wishart(prior: Any) -> list[Line]:
    return [
        _line(
            sub("Λ", "k"),
            law("Wishart", sup(matrix(prior.scale_inverse), _MINUS_ONE), mn(float(prior.degrees_of_freedom))),
            "for each component; scale, degrees of freedom",
        ),
        _line(
            _given(sub("μ", "k"), sub("Λ", "k")),
            law("Normal", vector(prior.mean), _scaled_inverse(float(prior.precision_scale), sub("Λ", "k"))),
            "for each component; mean and covariance",
        ),
        _line(
            _given(sub("x", "i"), sub("c", "i")),
            law("Normal", _chosen("μ"), _inverse_of_chosen("Λ")),
            "for each point; mean and covariance",
        ),
    ]


def _gamma_poisson(prior: Any) -> list[Line]:
    d, each = _feature(prior)
    return [
        _line(
            sub("λ", "k", *d), law("Gamma", vector(prior.shape), vector(prior.rate)), f"{each}; shape, rate"
        ),
        _line(
            _given(sub("x", "i", *d), sub("c", "i")),
            law("Poisson", _chosen("λ", *d)),
            "for each point; a count",
        ),
    ]


def _dirichlet_categorical(prior: Any) -> list[Line]:
    d, each = _feature(prior)
    alike = (prior.concentration == prior.concentration[0]).all()
    alpha = entries(prior.concentration[0]) if alike else [sub("α", "d")]
    return [
        _line(sub("p", "k", *d), law("Dirichlet", *alpha), f"{each}; {prior.n_categories} categories"),
        _line(
            _given(sub("x", "i", *d), sub("c", "i")),
            law("Categorical", _chosen("p", *d)),
            "for each point; a category",
        ),
    ]


def _feature(prior: Any) -> tuple[tuple[str, ...], str]:
    """Return the index of a feature, none if there is but one, and for which indices a line holds."""
    if prior.n_features == 1:
        return (), "for each component"
    return ("d",), "for each component and feature"


def _fixed(mixture: Mixture) -> list[Line]:
    k = mixture.n_components
    share = row(mn("1"), "<mo>/</mo>", mn(str(k)))
    return [
        _line(
            sub("c", "i"),
            law("Categorical", share, "<mo>…</mo>", share),
            f"for each point; {k} components, equal weights",
        )
    ]


def _dirichlet(mixture: Mixture) -> list[Line]:
    weights: Any = mixture.weights
    law_of_weights = law("Dirichlet", *entries(weights.concentration))
    return [_line(mi("π"), law_of_weights, f"weights of {mixture.n_components} components"), _assignment()]


def _stick_breaking(mixture: Mixture) -> list[Line]:
    weights: Any = mixture.weights
    rest = row(mo("("), mn("1"), mo("−"), sub("v", "j"), mo(")"))
    product = f"<munder><mo>∏</mo>{row(mi('j'), '<mo>&lt;</mo>', mi('k'))}</munder>"
    return [
        _line(
            sub("v", "k"),
            law("Beta", mn("1"), mn(weights.concentration)),
            "for each component but the last, whose v is 1",
        ),
        _line(sub("π", "k"), row(sub("v", "k"), product, rest), "weights by breaking a stick", "="),
        _assignment(),
    ]


def _assignment() -> Line:
    return _line(sub("c", "i"), law("Categorical", mi("π")), "for each point; its component")


_FAMILIES: dict[str, Callable[[Any], list[Line]]] = {
    "normal_known_variance": _normal_known_variance,
    "normal_gamma": _normal_gamma,
    "normal_wishart": _normal_wishart,
    "gamma_poisson": _gamma_poisson,
    "dirichlet_categorical": _dirichlet_categorical,
}
_WEIGHTS: dict[str, Callable[[Mixture], list[Line]]] = {
    "fixed": _fixed,
    "dirichlet": _dirichlet,
    "stick_breaking": _stick_breaking,
}
