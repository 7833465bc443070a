"""Make the figures of docs/images, and write what the pages' code prints into the pages."""

from docs.making.figures import FIGURES, write
from docs.making.pages import pages, renewed

if __name__ == "__main__":
    for name in FIGURES:
        print(write(name))
    for path in pages():
        text = path.read_text(encoding="utf-8")
        path.write_text(renewed(text, str(path)), encoding="utf-8")
        print(path)
