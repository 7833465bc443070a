"""What the code in a page prints, kept in the page.

A ```` ```python ```` block followed by a ```` ```text ```` block is code and what it prints. The blocks of a
page run one after the other and share their names. So a page can be read as it stands, and a test sees
whether it still says what comes out.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from docs.making import DOCS

_BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return the pages whose code is run: those of docs/learn, docs/use and docs/reference that have some."""
    found = [path for folder in ("learn", "use", "reference") for path in (DOCS / folder).rglob("*.md")]
    return sorted(path for path in found if _BLOCK.search(path.read_text(encoding="utf-8")))


def renewed(text: str, name: str = "page") -> str:
    """Return a page with what its code prints now.

    Raises
    ------
    ValueError
        If a block prints something and the page has no place for it.
    """
    known: dict[str, Any] = {"__name__": "page"}
    return "".join(_renewed(text, known, name))


def _renewed(text: str, known: dict[str, Any], name: str) -> Iterator[str]:
    end = 0
    for block in _BLOCK.finditer(text):
        printed = io.StringIO()
        with redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(block[1], name, "exec"), known)
        yield text[end : block.end(1)] + "```"
        end = block.end()
        if block[2] is not None:
            yield f"\n\n```text\n{printed.getvalue()}```"
        elif printed.getvalue():
            raise ValueError(f"{name} prints {printed.getvalue()!r} and has no block ```text after the code")
    yield text[end:]
