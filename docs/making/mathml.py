"""Formulas as MathML, which browsers draw by themselves: no script, no image, nothing from a network.

Docutils translates LaTeX. What it cannot translate ends the build with the formula and the reason.
"""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

_FUNCTION = re.compile(r"<mo>&ApplyFunction;</mo>(?=\s*<(?:mi|mn|msub|msup|mfrac|munder|mrow))")
"""Between a function's name and what it is of browsers leave no space, even where no bracket follows."""


def formula(tex: str, *, block: bool) -> str:
    """Return a formula as a ``<math>`` element.

    Raises
    ------
    SphinxError
        If docutils cannot translate it.
    """
    try:
        return _FUNCTION.sub('<mspace width="0.17em"/>', tex2mathml(tex, as_block=block))
    except MathError as error:
        raise SphinxError(f"the formula {tex!r} cannot be shown: {error}") from error


def inline(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(formula(node.astext(), block=False))
    raise nodes.SkipNode


def displayed(self: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own; a wide one scrolls."""
    self.body.append(f'<div class="math" tabindex="0">{formula(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Offer the renderer ``mathml``."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
