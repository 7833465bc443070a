"""The figures of docs/learn: one file each, which computes what it draws.

Each has ``draw() -> Figure``. `write` makes an SVG of it in docs/images; text stays text.
"""

import io
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from docs.making import IMAGES
from docs.making.figures import advi, ascent, bounds, labels, width

FIGURES: dict[str, Callable[[], Figure]] = {
    "learn-ascent": ascent.draw,
    "learn-bounds": bounds.draw,
    "learn-width": width.draw,
    "learn-labels": labels.draw,
    "learn-advi": advi.draw,
}
"""By the file's name in docs/images, without its ending."""

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "elbowroom",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_PLACES = re.compile(r'\b(?:d|x|y|points|transform|viewBox)="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")


def svg(name: str) -> str:
    """Return a figure as SVG; the same code and libraries give the same text."""
    with matplotlib.rc_context(_STYLE):
        figure = FIGURES[name]()
        FigureCanvasSVG(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    body = re.sub(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", "", text.getvalue(), flags=re.DOTALL)
    return _PLACES.sub(lambda place: _LONG.sub(_shortened, place.group()), body)


def _shortened(number: re.Match[str]) -> str:
    return f"{float(number.group()):.2f}"


def write(name: str, folder: Path = IMAGES) -> Path:
    """Write a figure's file and return its path."""
    path = folder / f"{name}.svg"
    path.write_text(svg(name), encoding="utf-8")
    return path
