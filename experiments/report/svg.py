"""A matplotlib figure as PNG bytes, or as an SVG that lives inside a page and takes on its colours.

The figure is drawn in the palette's light colours. In the SVG each of these becomes a CSS variable, so
that dark mode changes the figure with the page; text stays text, in the page's font; ids get a prefix, so
that many figures can share one page; coordinates keep two decimals. Nothing depends on the time or on chance.
"""

import io
import re
from html import escape
from typing import TYPE_CHECKING

from experiments.report.palette import ALL_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VARIABLES = {colour.light: f"var(--{colour.name})" for colour in ALL_COLOURS}
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_LONG_NUMBER = re.compile(r"(-?\d+\.\d{3,})")


def png(figure: "Figure", resolution: int = 160) -> bytes:
    """Return the figure on white, at `resolution` dots per inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=resolution, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def inline_svg(figure: "Figure", key: str, title: str, description: str) -> str:
    """Return an ``<svg>`` element for an HTML page.

    Parameters
    ----------
    figure : Figure
        Drawn in the palette's light colours.
    key : str
        Letters, digits and dashes, unlike those of any other figure of the page.
    title, description : str
        What the figure shows, for those who cannot see it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    buffer = io.BytesIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue().decode("utf-8")
    body = text[text.index(">", text.index("<svg ")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'style="[^"]*"', lambda match: _themed(match.group()), body)
    body = re.sub(r'(\b(?:d|x|y|transform)=")([^"]*)(")', _shortened, body)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', body)
    body = re.sub(r'(url\(|href=")#', rf"\1#{key}-", body)
    body = re.sub(r"\n\s*", "\n", body)
    width, height = (72 * inches for inches in figure.get_size_inches())
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(description)}</desc>{body.strip()}'
    )


def _themed(style: str) -> str:
    style = re.sub(r"font-family:[^;\"]*;?\s*", "", style)
    return _HEX.sub(lambda match: _VARIABLES.get(match.group(), match.group()), style)


def _shortened(match: re.Match[str]) -> str:
    opening, numbers, closing = match.groups()
    return opening + _LONG_NUMBER.sub(lambda m: f"{float(m.group()):.2f}", numbers).strip() + closing
