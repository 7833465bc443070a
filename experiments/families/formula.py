"""A mixture's generative story: as one plain sentence for records and tables, and as lines for pages."""

from experiments.families import weights
from experiments.families.line import Line, Term
from experiments.families.lookup import offered
from experiments.records.problem import as_count
from hand_cavi import Mixture
from hand_cavi.conjugate import ConjugateFamily


def formula(mixture: Mixture, n_rows: int, total_weight: float | None = None) -> str:
    """Return the model as text; of weighted rows, as of the points that they stand for.

    Such as "mu_k ~ N(0, 25), c_i ~ Categorical(1/5), x_i given c_i ~ N(mu_{c_i}, 1), for components
    k = 1, ..., 5 and points i = 1, ..., 1000."
    """
    tell = offered(mixture.components.name, "story") or _any_family
    of_weights = weights.lines(mixture.weights, mixture.n_components) or weights.any_lines(mixture.weights)
    lines = _in_order(tell(mixture.components), of_weights)
    where = [f"components k = {_range(mixture.n_components)}", _points(n_rows, total_weight)]
    if "_{c_i,d}" in lines[-1].right.text:
        where.insert(1, f"features d = {_range(mixture.components.n_features)}")
    places = f"{', '.join(where[:-1])} and {where[-1]}"
    return f"{', '.join(map(str, lines))}, for {places}."


def story_of(mixture: Mixture) -> list[Line]:
    """Return the lines of the generative story; nothing if the family or the weights have none to typeset."""
    tell = offered(mixture.components.name, "story")
    of_weights = weights.lines(mixture.weights, mixture.n_components)
    return _in_order(tell(mixture.components), of_weights) if tell and of_weights else []


def _in_order(of_family: list[Line], of_weights: list[Line]) -> list[Line]:
    """Return the whole story: the components' prior, the weights, the likelihood."""
    return [*of_family[:-1], *of_weights, of_family[-1]]


def _any_family(prior: ConjugateFamily) -> list[Line]:
    return [
        Line(Term("theta_k"), Term(type(prior).__name__)),
        Line(Term("x_i given c_i"), Term("p(x given theta_{c_i})")),
    ]


def _points(n_rows: int, total_weight: float | None) -> str:
    if total_weight is None:
        return f"points i = {_range(n_rows)}"
    total = as_count(total_weight)
    if isinstance(total, float):
        return f"points i = {_range(n_rows)}, each to the power of its weight"
    return f"points i = {_range(total)} in {n_rows} row{'s' * (n_rows != 1)}"


def _range(n: int) -> str:
    return {1: "1", 2: "1, 2", 3: "1, 2, 3"}.get(n, f"1, ..., {n}")
