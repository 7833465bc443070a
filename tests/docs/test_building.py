"""A small site: formulas without a network, lines of code with their numbers, and what ends a build."""

import io

import pytest

pytest.importorskip("myst_nb", reason="needs the group docs: uv run --group docs pytest")

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

from docs.making.accessible import mend
from docs.making.mathml import formula

pytestmark = pytest.mark.filterwarnings("ignore:.*myst_parser.*:PendingDeprecationWarning")

OPTIONS = {
    "extensions": ["myst_parser", "docs.making.extension"],
    "html_math_renderer": "mathml",
    "myst_enable_extensions": ["dollarmath"],
}
PAGE = """# A page

$$
s_k^2 = \\frac 1 {1/\\sigma^2 + N_k}
$$

```{lines-of} examples/mutations/textbook.py
s2 = 1 / (1 / self.sigma2 + N_k)
```

```{from-code} configuration
Unbuilt.
```
"""


def build(folder, text):
    """Return the page's HTML, and the warnings."""
    (folder / "index.md").write_text(text, encoding="utf-8")
    out, said = folder / "out", io.StringIO()
    app = Sphinx(folder, None, out, out / "trees", "html", OPTIONS, status=None, warning=said)
    app.build()
    return (out / "index.html").read_text(encoding="utf-8"), said.getvalue()


def test_a_page_needs_no_network_and_shows_code_from_its_file(tmp_path):
    page, said = build(tmp_path, PAGE)
    assert said == ""
    assert "<math" in page and "<mfrac>" in page
    assert "mathjax@" not in page and '<script src="http' not in page
    assert "examples/mutations/textbook.py" in page and '<span class="linenos">74</span>' in page
    assert "time_limit" in page and "<table" in page and "Unbuilt" not in page


def test_what_scrolls_can_be_reached_by_the_keyboard():
    context = {
        "body": '<pre>x</pre><div class="table-wrapper a">',
        "furo_navigation_tree": '<p role="heading">',
    }
    mend(None, "page", "page.html", context, None)
    assert context["body"].count('tabindex="0"') == 2
    assert 'aria-level="2"' in context["furo_navigation_tree"]


def test_what_is_not_there_is_told(tmp_path):
    wrong = PAGE.replace("s2 = 1 / (1 / self.sigma2 + N_k)", "s2 = 1 / N_k").replace(
        "{from-code} configuration", "{from-code} nothing"
    )
    _, said = build(tmp_path, wrong)
    assert "has these lines 0 times, not once" in said
    assert "nothing is made by the name nothing" in said


def test_a_formula_that_cannot_be_shown_ends_the_build():
    with pytest.raises(SphinxError, match="cannot be shown"):
        formula("\\frobnicate x", block=True)
    assert "&ApplyFunction;" not in formula("\\ln p", block=False)
