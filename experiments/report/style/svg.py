"""A matplotlib figure as PNG bytes, or as an SVG that lives inside a page and takes on its colours.

In the SVG each light colour becomes a CSS variable, so that dark mode changes the figure with the page; ids
get a prefix, so that many figures can share one page. Nothing depends on the time or on chance.
"""

import io
import re
from html import escape

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from experiments.report.style.palette import ALL_COLOURS

_VARIABLES = {colour.light: f"var(--{colour.name})" for colour in ALL_COLOURS}
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_LINES = re.compile(r'\bd="((?:[ML] -?[\d.]+ -?[\d.]+\s*|z\s*)+)"')  # of straight lines alone
_STEP = re.compile(r"([ML]) (-?[\d.]+) (-?[\d.]+)|z")
_MARKERS = re.compile(  # a round marker's definition, and the group of its uses
    r'<defs>\n<path id="(?P<id>[^"]+)" d="M 0 (?P<radius>[\d.]+) ?\nC [^"]*z"(?: style="[^"]*")?/>\n</defs>\n'
    r"<g(?P<clip>[^>]*)>\n(?P<uses>(?:<use [^>]*/>\n)+)</g>"
)
_USE = re.compile(r'<use xlink:href="#([^"]+)" x="([^"]+)" y="([^"]+)" style="fill: ([^;"]+)([^"]*)"/>')
_MANY = 20
"""Round markers from which on one path draws them all, as dots."""


def png(figure: Figure, resolution: int = 160) -> bytes:
    """Return the figure on white, at `resolution` dots per inch."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=resolution, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def inline_svg(figure: Figure, key: str, title: str, description: str) -> str:
    """Return an ``<svg>`` element for an HTML page, of a figure drawn in the palette's light colours.

    The key has letters, digits and dashes, unlike those of any other figure of the page; title and
    description say what the figure shows, for those who cannot see it.
    """
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
    body = re.sub(r'(\b(?:d|x|y)=")([^"]*)(")', _shortened, body)
    body = re.sub(r'(\btransform="(?:rotate|translate)\()([^")]*)(\)")', _shortened, body)
    body = re.sub(r"\n\s*", "\n", body)
    body = _MARKERS.sub(_as_dots, body)
    body = _LINES.sub(_in_steps, _without_ballast(body, key))
    body = re.sub(r'style="[^"]*"', lambda match: re.sub(r"([:;]) ", r"\1", match.group()), body)
    width, height = (72 * inches for inches in figure.get_size_inches())
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(description)}</desc>{body.strip()}'
    )


def _as_dots(match: re.Match[str]) -> str:
    """Return many round markers of one look as one path: a stroke of no length with a round cap is a dot."""
    uses = _USE.findall(match["uses"])
    if len(uses) < _MANY or {use[0] for use in uses} != {match["id"]} or len({use[3:] for use in uses}) > 1:
        return match.group()
    dots = "".join(f"M{float(x):.1f} {float(y):.1f}h0" for _, x, y, _, _ in uses)
    colour, rest = uses[0][3:]
    alpha = re.search(r"opacity: ([\d.]+)", rest)
    return (
        f'<path d="{dots}"{match["clip"]} style="fill: none; stroke: {colour}; stroke-linecap: round; '
        f'stroke-width: {2 * float(match["radius"]):g}{"; opacity: " + alpha[1] if alpha else ""}"/>'
    )


def _without_ballast(body: str, key: str) -> str:
    """Return the drawing without ids that nothing refers to, empty groups, and turns by no angle."""
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", body))
    short = {name: f"{key}-{number}" for number, name in enumerate(sorted(used))}
    body = re.sub(
        r' ?\bid="([^"]+)"', lambda m: f' id="{short[m.group(1)]}"' if m.group(1) in short else "", body
    )
    body = re.sub(r"(url\(|href=\")#([^)\"]+)", lambda m: f"{m.group(1)}#{short[m.group(2)]}", body)
    body = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r"(?<=\d) ?\n(?=[A-Zz])", "", body)
    for _ in range(3):  # groups within groups
        body = re.sub(r"<g[^>]*/>\n|<g>\s*</g>\n", "", body)
    return re.sub(r"<g>\n((?:<(?!/?g\b)[^>]*>[^<]*)*)</g>\n", r"\1", body)


def _themed(style: str) -> str:
    style = re.sub(r"font-family:[^;\"]*;?\s*", "", style)
    return _HEX.sub(lambda match: _VARIABLES.get(match.group(), match.group()), style)


def _shortened(match: re.Match[str]) -> str:
    opening, numbers, closing = match.groups()
    return (
        opening + _LONG_NUMBER.sub(lambda m: _tenths(round(10 * float(m.group()))), numbers).strip() + closing
    )


def _in_steps(match: re.Match[str]) -> str:
    """Return straight lines as steps from point to point, in tenths of a point, which add up exactly."""
    words: list[str] = []
    here, last = (0, 0), ""
    for letter, *numbers in _STEP.findall(match[1]):
        if not letter:
            words.append(last := "z")
            continue
        x, y = (round(10 * float(number)) for number in numbers)
        step, name = ((x, y), "M") if letter == "M" else ((x - here[0], y - here[1]), "l")
        first, second = map(_tenths, step)
        gap = "" if name != last or name == "M" or first.startswith("-") else " "
        words.append(
            f"{'' if name == last == 'l' else name}{gap}{first}{'' if second[0] == '-' else ' '}{second}"
        )
        here, last = (x, y), name
    return f'd="{"".join(words)}"'


def _tenths(number: int) -> str:
    """Return a tenth of a number in as few characters as there can be."""
    whole, rest = divmod(abs(number), 10)
    text = f"{whole or ''}{f'.{rest}' if rest else ''}" or "0"
    return f"-{text}" if number < 0 else text
