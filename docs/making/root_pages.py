"""Pages of the repository's root, such as README.md, among the others.

Of such a page docs/project holds a stub, which is read as the page itself. Links between pages stay as they
are in the files, so that a code host follows them too; they are put right when a page is read.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

from docs.making import DOCS, ROOT

PAGES = {name: ROOT / f"{name.upper()}.md" for name in ("readme", "benchmarks", "contributing", "changelog")}
"""The stubs in docs/project, and what each stands for."""

_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def relinked(text: str, source: Path, page: Path) -> str:
    """Return a page's Markdown with the links that hold among the pages.

    Parameters
    ----------
    text : str
    source : Path
        The file from whose folder the links start.
    page : Path
        The file in docs as which it is read.
    """

    def put_right(link: re.Match[str]) -> str:
        target = (source.parent / link[2]).resolve()
        if "://" in link[2] or link[2].startswith(("mailto:", "/")) or not target.exists():
            return link.group()
        stubs = {path: DOCS / "project" / f"{name}.md" for name, path in PAGES.items()}
        there = os.path.relpath(stubs.get(target, target), page.parent)
        return f"{link[1]}{there}{link[3]}"

    return _LINK.sub(put_right, text)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put a page's links right; of a stub, take the page that it stands for."""
    page = DOCS / f"{docname}.md"
    stands_for = PAGES.get(page.stem, page) if page.parent.name == "project" else page
    text = source[0] if stands_for == page else stands_for.read_text(encoding="utf-8")
    app.env.note_dependency(str(stands_for), docname=docname)
    source[0] = relinked(text, stands_for, page)


def setup(app: Sphinx) -> None:
    """Look at every page when it is read."""
    app.connect("source-read", read)
