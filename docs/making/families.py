"""A family's page: its story and fields from the code, its derivation from docs/mathematics.md."""

import re
from inspect import getdoc

from numpydoc.docscrape import NumpyDocString

from docs.making.api import fields
from docs.making.mathematics import section
from docs.making.writing import plain
from experiments.config.plugins import about, find_class, names
from experiments.families.formula import story_of
from experiments.families.lookup import offered
from hand_cavi import FixedWeights, Mixture

_HEADINGS = {
    "normal_known_variance": "Normal, known noise variance s:",
    "normal_gamma": "Normal-Gamma,",
    "normal_wishart": "Normal-Wishart:",
    "gamma_poisson": "Gamma-Poisson:",
    "dirichlet_categorical": "Dirichlet-categorical:",
}
"""How the paragraph of each begins in section 1 of docs/mathematics.md."""


def derivation(name: str) -> str:
    """Return the paragraphs of docs/mathematics.md on a family.

    Raises
    ------
    ValueError
        If the page has none.
    """
    page = section(1)
    start = page.find(f"**{_HEADINGS[name]}**")
    if start < 0:
        raise ValueError(f"section 1 of docs/mathematics.md has no paragraph {_HEADINGS[name]!r}")
    following = re.compile(r"^(\*\*|The closing 1 of T)", re.MULTILINE).search(page, start + 2)
    return page[start : following.start() if following else None]


def example(name: str) -> Mixture:
    """Return two components under the prior whose numbers the family's own checks use."""
    numbers, _ = offered(name, "EXAMPLE")
    return Mixture(find_class("families", name)(*numbers), FixedWeights(), 2)


def markdown(name: str) -> str:
    """Return a page's body."""
    lines = story_of(example(name))
    rows = "".join(
        f"<tr><td><math><mrow>{line.left.mathml}</mrow></math></td><td><math><mo>{line.sign}</mo></math></td>"
        f"<td><math><mrow>{line.right.mathml}</mrow></math></td><td>{line.where}</td></tr>"
        for line in lines
    )
    story = f'```{{raw}} html\n<table class="story">{rows}</table>\n```\n'
    return "\n".join(
        [
            "## The story\n\nWith the numbers of an example:\n",
            story,
            "## The prior's fields\n",
            fields(find_class("families", name)),
            "## The derivation\n\nLetters are those of [Mathematics](../../mathematics.md), section 1.\n",
            derivation(name),
        ]
    )


def weights() -> str:
    """Return the body of the page on mixing weights: what each prior says, its fields, its derivation."""
    parts = []
    for name in names("weights"):
        cls = find_class("weights", name)
        parts.append(f"## {cls.__name__}\n\n`{name}`. {plain(about('weights', name))}\n")
        parts += [fields(cls)] if NumpyDocString(getdoc(cls) or "")["Attributes"] else []
    return "\n".join([*parts, "## The derivation\n", section(2)])
