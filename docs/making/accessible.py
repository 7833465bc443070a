"""What readers by keyboard or ear need and the theme leaves out: levels of captions, what scrolls."""

from typing import Any

from sphinx.application import Sphinx


def mend(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Give the sidebar's captions their level, and let wide code and tables be reached by the keyboard."""
    for name, old, new in (
        ("furo_navigation_tree", 'role="heading"', 'role="heading" aria-level="2"'),
        ("body", "<pre>", '<pre tabindex="0">'),
        ("body", '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
    ):
        if name in context:
            context[name] = context[name].replace(old, new)


def setup(app: Sphinx) -> None:
    """Look at each page after the theme has."""
    app.connect("html-page-context", mend, priority=900)
