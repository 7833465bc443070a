"""For all tests: pytest-xdist gives its workers the width of a terminal, which a pipe has not."""

import os

os.environ.pop("COLUMNS", None)
