"""How the time of a sweep grows with the points, the components and the features, and a picture of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from measuring import Row, ms, our_sweeps, power, spaced

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
)

TITLE = "Growth"
NOTE = """![Time of a sweep against N, K and D, log-log](docs/images/growth.png)

Median time of a sweep, one thread, Dirichlet weights. "plain numpy" is the same `fit` with
ELBOWROOM_KERNEL=numpy. The exponent is the slope of the last two points in the log-log picture: 1 is
proportional."""
TARGETS = ()
ROOT = Path(__file__).parents[2]


@dataclass
class Line:
    """One line of the picture: a case, and the seconds of a sweep for every size."""

    panel: str
    name: str
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    components: list[int] = field(default_factory=list)

    def add(self, size: int, seconds: float, n_points: int, n_components: int) -> None:
        """Take up one measurement."""
        self.sizes.append(size)
        self.seconds.append(seconds)
        self.points.append(n_points)
        self.components.append(n_components)

    @property
    def nanoseconds(self) -> float:
        """Per point and component, at the largest size."""
        return self.seconds[-1] / self.points[-1] / self.components[-1] * 1e9

    @property
    def exponent(self) -> float:
        """Slope of the last two points."""
        (a, b), (s, t) = list(pairwise(self.sizes))[-1], list(pairwise(self.seconds))[-1]
        return float(np.log(t / s) / np.log(b / a))


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every line, and draw the picture."""
    lines = [*by_points(quick), *by_components(quick), *by_features(quick)]
    for line in lines:
        sizes = ", ".join(f"{power(n)}: {ms(s)}" for n, s in zip(line.sizes, line.seconds, strict=True))
        yield Row(
            {
                "grows": line.panel,
                "sweep": line.name,
                "ms a sweep": sizes,
                "exponent": f"{line.exponent:.2f}",
                "ns per point and component, at the end": f"{line.nanoseconds:.2f}",
            }
        )
    draw(lines, ROOT / (".benchmarks/growth.png" if quick else "docs/images/growth.png"))


def timed(family: type, n_points: int, n_components: int, n_features: int, kernel: str) -> float:
    """Return the median time of a sweep."""
    D, K = n_features, n_components
    prior = NormalGamma(np.zeros(D), 1.0, 1.0, 1.0)
    if family is NormalWishart:
        prior = NormalWishart(np.zeros(D), 1.0, D + 1.0, np.eye(D))
    x = spaced(n_points, K, D)
    sweeps = 4 if n_points * K >= 10**6 else 12
    return median(our_sweeps(Mixture(prior, DirichletWeights(1.0), K), x, 1, 1, sweeps, kernel))


def by_points(quick: bool) -> Iterator[Line]:
    """Yield the lines over N."""
    K, largest = 5, 6 if quick else 7
    for name, kernel, family, D, most in (
        ("plain numpy, D = 2", "numpy", NormalWishart, 2, largest - 1),
        ("compiled, D = 2", "numba", NormalWishart, 2, largest),
    ):
        line = Line("N", name)
        for exponent in range(3, most + 1):
            n = 10**exponent
            line.add(n, timed(family, n, K, D, kernel), n, K)
        yield line
    line = Line("N", "condensed, D = 1")
    mixture = Mixture(NormalKnownVariance(0.0, 100.0), FixedWeights(), K)
    for exponent in range(4, largest + 1):
        n, ends = 10**exponent, []
        fit(
            mixture,
            spaced(n, K, 1),
            rng=0,
            starts=1,
            threads=1,
            condense=True,
            callback=lambda info, ends=ends: ends.append(perf_counter()),
        )
        line.add(n, median(np.diff(ends)), n, K)
    yield line


def by_components(quick: bool) -> Iterator[Line]:
    """Yield the lines over K."""
    n = 10**4 if quick else 10**5
    for name, kernel in (("plain numpy", "numpy"), ("compiled", "numba")):
        line = Line("K", f"{name}, D = 2")
        for K in (2, 4, 8, 16, 32, 64):
            line.add(K, timed(NormalWishart, n, K, 2, kernel), n, K)
        yield line


def by_features(quick: bool) -> Iterator[Line]:
    """Yield the lines over D."""
    n, K = 10**4 if quick else 10**5, 5
    for name, kernel, family in (
        ("plain numpy, full", "numpy", NormalWishart),
        ("compiled, full", "numba", NormalWishart),
        ("compiled, diagonal", "numba", NormalGamma),
    ):
        line = Line("D", name)
        for D in (1, 2, 4, 8, 16):
            line.add(D, timed(family, n, K, D, kernel), n, K)
        yield line


# ---- the picture --------------------------------------------------------------------------------

INK, QUIET = "#22272e", "#8a9199"
COLOURS = {"plain": "#8a9199", "compiled, diagonal": "#2a9d8f", "compiled": "#1f5fa8", "condensed": "#d9661f"}


def colour(line: Line) -> str:
    """Return the colour of a line: one for each kernel."""
    return next(c for name, c in COLOURS.items() if line.name.startswith(name))


def draw(lines: list[Line], file: Path) -> None:
    """Draw three log-log panels, every line with its name and its cost at its end."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 9, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": QUIET})
    panels = {"N": "points, N", "K": "components, K", "D": "features, D"}
    figure, all_axes = plt.subplots(1, 3, figsize=(11.5, 4.0), layout="constrained")
    for axes, (panel, label) in zip(all_axes, panels.items(), strict=True):
        here = [line for line in lines if line.panel == panel]
        for line in here:
            axes.plot(line.sizes, np.array(line.seconds) * 1e3, "o-", color=colour(line), lw=1.8, ms=4)
        axes.set(xscale="log", yscale="log", xlabel=label)
        sizes = sorted({size for line in here for size in line.sizes})
        axes.set_xlim(sizes[0] * 0.8, sizes[-1] * (sizes[-1] / sizes[0]) ** 0.75)
        names = [f"$10^{{{round(np.log10(n))}}}$" if panel == "N" else str(n) for n in sizes]
        axes.minorticks_off()
        axes.set_xticks(sizes, names)
        axes.grid(True, which="major", color="#e6e8eb", lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, length=3)
        _label_ends(axes, here)
    all_axes[0].set_ylabel("milliseconds a sweep")
    fixed = {"N": "K = 5", "K": f"N = {lines[-1].points[-1]:,}", "D": f"N = {lines[-1].points[-1]:,}, K = 5"}
    for axes, panel in zip(all_axes, panels, strict=True):
        axes.set_title(f"as {panel} grows, {fixed[panel]}", loc="left", fontsize=10, fontweight="bold")
    figure.supxlabel(
        "beside each line: nanoseconds per point and component at its end; one thread",
        fontsize=8,
        color=QUIET,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=160)


def _label_ends(axes: Any, lines: list[Line]) -> None:
    """Write each line's name beside its end; names that would touch are pushed apart.

    A line that ends before the others has its name on its left, where nothing lies above it.
    """
    low, high = np.log10(axes.get_ylim())
    furthest, height = max(line.sizes[-1] for line in lines), -np.inf
    for line in sorted(lines, key=lambda line: line.seconds[-1]):
        cost = f"{line.nanoseconds:,.0f}" if line.nanoseconds >= 10 else f"{line.nanoseconds:.1f}"
        text = line.name if line.name.startswith("condensed") else f"{line.name}\n{cost} ns"
        own, place = np.log10(line.seconds[-1] * 1e3), {"xytext": (-9, 0), "ha": "right", "va": "center"}
        if line.sizes[-1] == furthest:
            own = height = max(own, height + 0.13 * (high - low))
            place = {"xytext": (7, 0), "ha": "left", "va": "center"}
        axes.annotate(
            text,
            (line.sizes[-1], 10**own),
            textcoords="offset points",
            color=colour(line),
            fontsize=8,
            annotation_clip=False,
            **place,
        )
