"""Parts of docs/mathematics.md, for pages that show them."""

import re
from functools import cache

from docs.making import DOCS


@cache
def section(number: int) -> str:
    """Return a numbered section without its heading.

    Raises
    ------
    ValueError
        If the page has none.
    """
    page = (DOCS / "mathematics.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {number} [^\n]*\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"docs/mathematics.md has no section {number}")
    return found[1]


def tables(text: str) -> list[list[list[str]]]:
    """Return the Markdown tables of a text, rows of cells, the header first and the rule left out."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    rows = [[line.strip("|\n ").split(" | ") for line in block.splitlines()] for block in blocks]
    return [[one[0], *one[2:]] for one in rows]
