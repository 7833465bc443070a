"""Pieces of Markdown: text as it is, code, tables."""

import re
from collections.abc import Iterable, Sequence


def plain(text: str) -> str:
    """Return text of a docstring as Markdown that shows it as it is; what stands in backticks is code."""
    parts = re.split(r"(``?[^`]+``?)", " ".join(text.split()))
    return "".join(
        f"`{part.strip('`')}`" if part.startswith("`") else re.sub(r"([\\*_|<>\[\]$#~{}^])", r"\\\1", part)
        for part in parts
    )


def code(text: object) -> str:
    """Return a short piece of code; a bar must not end a cell of a table."""
    shown = str(text).replace("|", "\\|")
    return f"`{shown}`" if shown else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
