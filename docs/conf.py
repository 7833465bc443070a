"""Sphinx's configuration: Furo, MyST-NB, and what this folder's `making` adds. Nothing is downloaded.

uv run --group docs sphinx-build -W docs build/docs
"""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
# Notebooks run in processes of their own, which find the packages and the examples by this.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "elbowroom"
author = "the authors of elbowroom"
project_copyright = "the authors of elbowroom; MIT licence"
release = version = version_of("elbowroom")

extensions = ["myst_nb", "docs.making.extension"]
exclude_patterns = ["making", "style", "**/__pycache__"]
nitpicky = True
html_theme = "furo"
html_title = f"elbowroom {version}"
html_math_renderer = "mathml"
html_static_path = ["style"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False
highlight_language = "none"  # indented blocks are formulas

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
myst_dmath_double_inline = False

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_execution_in_temp = True
