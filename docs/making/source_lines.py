"""The directive ``lines-of``: lines of this project's code, shown with their numbers, and never out of date.

    ```{lines-of} examples/mutations/textbook.py
    s2 = 1 / (1 / self.sigma2 + N_k)
    ```

The lines stand in the page, so that it can be read without being built; building looks them up in the file
and fails if they are not there, one after the other, exactly once.
"""

from textwrap import dedent

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs.making import ROOT


def place(path: str, wanted: list[str]) -> int:
    """Return the number, from 1, of the first of some lines in a file of the repository.

    Parameters
    ----------
    path : str
        From the repository's root.
    wanted : list of str
        Lines that follow each other; how far they are indented, all alike, does not matter.

    Raises
    ------
    ValueError
        If there is no such file, or the lines do not stand in it exactly once.
    """
    file = ROOT / path
    if not file.is_file():
        raise ValueError(f"there is no file {path}")
    lines = [line.rstrip() for line in file.read_text(encoding="utf-8").splitlines()]
    n = len(wanted)
    found = [i for i in range(len(lines) - n + 1) if _dedented(lines[i : i + n]) == _dedented(wanted)]
    if len(found) != 1 or not n:
        raise ValueError(f"{path} has these lines {len(found)} times, not once:\n" + "\n".join(wanted))
    return found[0] + 1


def _dedented(lines: list[str]) -> str:
    return dedent("\n".join(lines)).strip("\n")


class LinesOf(SphinxDirective):
    """Show lines of a file, with their numbers, under the file's name."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the code; an error if the file does not have it."""
        path, wanted = self.arguments[0], [line.rstrip() for line in self.content]
        try:
            first = place(path, wanted)
        except ValueError as error:
            raise self.error(str(error)) from error
        self.env.note_dependency(str(ROOT / path))
        code = nodes.literal_block(_dedented(wanted), _dedented(wanted), language="python", linenos=True)
        code["highlight_args"] = {"linenostart": first}
        whole = nodes.container("", literal_block=True, classes=["literal-block-wrapper"])
        whole += nodes.caption(path, path)
        whole += code
        return [whole]


def setup(app: Sphinx) -> None:
    """Add the directive."""
    app.add_directive("lines-of", LinesOf)
