"""Make README's pictures of the default study, from its stored results; needs Chromium.

uv run elbowroom run
uv run python docs/images/make.py studies/textbook
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
CHROMIUM = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)


def main(study: Path) -> None:
    """Write ``report.png``, the top of the page, and ``ladder.png``, that of the second problem."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1500}, color_scheme="light")
        page.goto((study / "report.html").resolve().as_uri())
        page.screenshot(path=HERE / "report.png")
        browser.close()
    shutil.copyfile(study / "figures" / "problem-2-ladder.png", HERE / "ladder.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
