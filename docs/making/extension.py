"""All that this folder adds to Sphinx, as one extension."""

from sphinx.application import Sphinx

from docs.making import example_report, from_code, mathml, root_pages, source_lines


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up each part."""
    for part in (mathml, source_lines, from_code, example_report, root_pages):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
