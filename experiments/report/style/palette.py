"""Colours, markers and names: one for each method, the same in every figure, light and dark.

Every light colour is used for one thing only, since it becomes that thing's CSS variable (`style.svg`). The
methods' hues follow Okabe & Ito (2008), darkened where needed so that a thin line has a contrast of at least
3 : 1 with white; marker and dash tell methods apart without colour.
"""

from dataclasses import dataclass, replace
from typing import Any

from experiments.methods import label
from experiments.records import StudyRecord

Dash = tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Colour:
    """A colour by the name of its CSS variable, with its values on white and on black."""

    name: str
    light: str
    dark: str


PAPER = Colour("paper", "#ffffff", "#15181c")
INK = Colour("ink", "#1d2127", "#e8eaed")
MUTED = Colour("muted", "#59636e", "#a3adb8")
RULE = Colour("rule", "#d5dae0", "#363d45")
REFERENCE = Colour("reference", "#6e7781", "#9aa4af")
DATA = Colour("data", "#c9d1d9", "#454e58")
CO_CLUSTERING = Colour("together", "#3f74c9", "#3f74c9")
"""Of heat maps: a middle tone, whose transparency is the scale, on white and on black."""


@dataclass(frozen=True)
class MethodStyle:
    """How a method looks: its name for readers, colour, marker and dash."""

    label: str
    colour: Colour
    marker: str
    dash: Dash

    @property
    def line(self) -> dict[str, Any]:
        """The look of its lines, as matplotlib calls it."""
        return {"color": self.colour.light, "linestyle": self.dash, "label": self.label}


REFERENCE_STYLE = MethodStyle("reference", REFERENCE, "_", (0.0, ()))


def _slot(name: str, light: str, dark: str, marker: str, dash: tuple[float, ...] = ()) -> MethodStyle:
    return MethodStyle("", Colour(name, light, dark), marker, (0.0, dash))


_KNOWN = {
    "cavi": _slot("method-blue", "#0072b2", "#5eb3f0", "o"),
    "advi": _slot("method-vermilion", "#d55e00", "#ff9350", "s", (5, 1.6)),
    "fullrank_advi": _slot("method-purple", "#a9518b", "#e59bc9", "^", (1.4, 1.2)),
    "nuts": _slot("method-green", "#008560", "#35cfa1", "D", (6, 1.4, 1.4, 1.4)),
    "cavi_lr": _slot("method-navy", "#3b3b98", "#a9a9ff", "v", (8, 2)),
    "gibbs": _slot("method-ochre", "#8f7a00", "#dcc84e", "X", (2, 2)),
    "smc": _slot("method-brown", "#7a5230", "#d8ad80", "p", (4, 1, 1, 1, 1, 1)),
    "cavi_mixture": _slot("method-teal", "#00798c", "#4fc3d9", "H", (3, 1, 1, 1)),
    "cavi_is": _slot("method-crimson", "#a4133c", "#ff8fa3", "d", (6, 1, 2, 1)),
    "laplace": _slot("method-moss", "#4f772d", "#a3c978", "8", (1, 1)),
    "dadvi": _slot("method-indigo", "#5f0f99", "#c58bff", r"$\ominus$", (5, 1, 1, 1)),
    "pathfinder": _slot("method-steel", "#33658a", "#8ecae6", r"$\bowtie$", (4, 2, 1, 2)),
}
_SPARE = (
    _slot("method-sky", "#2f8fc4", "#8fd4ff", "P", (3, 1)),
    _slot("method-rose", "#b5475f", "#f59aac", "h", (1, 2)),
    _slot("method-olive", "#64770a", "#b3cc4a", "<", (7, 1, 1, 1, 1, 1)),
    _slot("method-slate", "#546a7b", "#a9c0d2", ">", (2, 1)),
    _slot("method-plum", "#6d3f8f", "#c59be8", "*", (5, 3)),
)
_LIGHT = ("#4357b2", "#c4566b", "#2a7f62", "#a8780f", "#7d4a94", "#2a86a1", "#8a5a3b", "#6b7a1f")
_DARK = ("#93a5f7", "#f290a2", "#63c9a5", "#e5b750", "#c497df", "#6ec9e4", "#d2a283", "#b9ca60")
CLUSTERS = tuple(Colour(f"cluster-{i}", *pair) for i, pair in enumerate(zip(_LIGHT, _DARK, strict=True)))
_SIGNALS = (
    Colour("pass", "#0b6e4f", "#4fd0a5"),
    Colour("fail", "#b3261e", "#ff8a7a"),
    Colour("undecided", "#8a5a00", "#f0bd5b"),
    Colour("none", "#4f5965", "#aeb8c2"),
    Colour("surface", "#f6f8fa", "#1c2127"),
    Colour("link", "#0a5fa3", "#7cc0f8"),
)
_PLAIN = (PAPER, INK, MUTED, RULE, REFERENCE, DATA, CO_CLUSTERING)
_OF_METHODS = tuple(style.colour for style in (*_KNOWN.values(), *_SPARE))
ALL_COLOURS = (*_PLAIN, *_OF_METHODS, *CLUSTERS, *_SIGNALS)


def method_styles(methods: list[str]) -> dict[str, MethodStyle]:
    """Return a style for each method of a study; methods unknown here take the spare ones in order."""
    styles: dict[str, MethodStyle] = {}
    n_spare = 0
    for method in dict.fromkeys(methods):
        slot = _KNOWN.get(method)
        if slot is None:
            slot = _SPARE[n_spare % len(_SPARE)]
            n_spare += 1
        styles[method] = replace(slot, label=label(method))
    return styles


def methods_of(record: StudyRecord) -> dict[str, MethodStyle]:
    """Return a style for each method of a study's cells."""
    return method_styles([cell.cell.method for problem in record.problems for cell in problem.cells])


def cluster_colour(component: int) -> Colour:
    """Return the colour of a component; colours repeat after eight, so components are also labelled."""
    return CLUSTERS[component % len(CLUSTERS)]


def css_variables() -> str:
    """Return the style sheet's variables: light, dark where the reader prefers it, light in print."""
    light = "".join(f"--{c.name}:{c.light};" for c in ALL_COLOURS)
    dark = "".join(f"--{c.name}:{c.dark};" for c in ALL_COLOURS)
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"@media print{{:root{{color-scheme:light;{light}}}}}\n"
    )
