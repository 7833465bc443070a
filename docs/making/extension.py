"""All that this folder adds to Sphinx, as one extension."""

from sphinx.application import Sphinx

from docs.making import accessible, example_report, from_code, mathml, root_pages, source_lines


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up each part."""
    for part in (mathml, source_lines, from_code, example_report, root_pages, accessible):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
