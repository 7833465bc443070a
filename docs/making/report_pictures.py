"""The README's two pictures, of a run of the default study: a page as a browser shows it, and a figure.

uv run elbowroom run
uv run python -m docs.making.report_pictures studies/textbook
"""

import shutil
import subprocess
import sys
from pathlib import Path

from docs.making import IMAGES

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def make(study: Path, folder: Path = IMAGES) -> None:
    """Write report.png and ladder.png.

    Raises
    ------
    SystemExit
        If the study has no report, or there is no browser.
    """
    report = study / "report.html"
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if not report.is_file() or browser is None:
        sys.exit(f"needs {report} and one of {', '.join(_BROWSERS)}")
    size, to = "--window-size=1280,1500", f"--screenshot={(folder / 'report.png').resolve()}"
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", size, to]
    subprocess.run([browser, *options, report.resolve().as_uri()], check=True, capture_output=True)
    shutil.copyfile(study / "figures" / "problem-2-ladder.png", folder / "ladder.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("give the study's folder, such as studies/textbook")
    make(Path(sys.argv[1]))
