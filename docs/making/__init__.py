"""What makes the documentation: extensions for Sphinx, figures, printed results, pages from the code.

python -m docs.making            the figures of docs/images, and what the pages' code prints
sphinx-build -W docs build/docs  the pages
"""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
"""The repository."""

DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
