"""The directive ``from-code``: what a page of the reference takes from the code, made when the page is built.

    ```{from-code} metrics
    Made from experiments/metrics when the page is built.
    ```

The text inside is for those who read the page unbuilt.
"""

from collections.abc import Callable

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs.making import api, command_line, configuration, families, metrics

MADE: dict[str, Callable[..., str]] = {
    "api": api.markdown,
    "command-line": command_line.markdown,
    "configuration": configuration.markdown,
    "families": families.markdown,
    "metrics": metrics.markdown,
    "weights": families.weights,
}
"""What each name stands for: a function that returns Markdown, of the arguments that follow the name."""


class FromCode(SphinxDirective):
    """Put in what a function of `MADE` returns."""

    has_content = True
    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the parsed Markdown."""
        name, *arguments = self.arguments
        if name not in MADE:
            raise self.error(f"nothing is made by the name {name}; there are {', '.join(MADE)}")
        made = MADE[name](*arguments).splitlines()
        return self.parse_content_to_nodes_of(made)

    def parse_content_to_nodes_of(self, lines: list[str]) -> list[nodes.Node]:
        """Parse Markdown that may have headings."""
        text = StringList(lines, source=f"{self.env.docname}: {self.arguments[0]}")
        return self.parse_text_to_nodes("\n".join(text), allow_section_headings=True)


def setup(app: Sphinx) -> None:
    """Add the directive."""
    app.add_directive("from-code", FromCode)
