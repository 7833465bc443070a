"""The report of a small study beside the pages: fitted when they are built, by the command that users give.

The directive ``example-report`` links to it. Its study is kept in the folder of the pages, so that building
again fits nothing anew.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from docs.making import DOCS, ROOT

CONFIG = DOCS / "use" / "example-report.toml"
NAME = "example-report.html"


class ExampleReport(SphinxDirective):
    """Link to the report; the text inside is for those who read the page unbuilt."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return a paragraph with the link."""
        self.env.metadata[self.env.docname]["example_report"] = True
        up = "../" * self.env.docname.count("/")
        return [nodes.raw("", f'<p><a href="{up}{NAME}">The example report</a></p>', format="html")]


def make(app: Sphinx, error: Exception | None) -> None:
    """Run the study and put its report beside the pages, if one of them links to it."""
    wanted = any("example_report" in known for known in app.env.metadata.values())
    if error is not None or app.builder.format != "html" or not wanted:
        return
    folder = Path(app.outdir)
    command = [sys.executable, "-m", "experiments.commands.cli", "run", str(CONFIG), "--on", "serial"]
    done = subprocess.run(
        [*command, "--output", str(folder / ".studies")], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise ExtensionError(f"the example report was not made: {done.stderr[-2000:]}")
    shutil.copyfile(folder / ".studies" / "example-report" / "report.html", folder / NAME)


def setup(app: Sphinx) -> None:
    """Add the directive, and make the report after the pages."""
    app.add_directive("example-report", ExampleReport)
    app.connect("build-finished", make)
