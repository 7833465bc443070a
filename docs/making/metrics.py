"""The page of metrics: names and sentences from the code, formulas and errors from docs/mathematics.md."""

import re

from docs.making.mathematics import section, tables
from docs.making.writing import code, plain, table
from experiments import metrics
from experiments.metrics import METRICS

_SOURCES = {
    "importance_evidence": "Vehtari et al. 2024",
    "k_hat": "Vehtari et al. 2024",
    "iwae": "Burda, Grosse & Salakhutdinov 2016",
    "share_at_best": "Wilson 1927",
    "calibration": "Talts et al. 2018",
    "data_fit": "Gelman et al. 2013, chapter 6",
    "reference_data_fit": "Gelman et al. 2013, chapter 6",
    "step_gain": "Salimans & Knowles 2013",
    "density_mass": "Bennett 1976; Meng & Wong 1996",
    "ess_per_second": "Vehtari et al. 2021",
}
"""Where a metric is somebody's; the others are defined by this project."""


def formulas() -> dict[str, tuple[str, str]]:
    """Return each metric's formula and standard error, by name."""
    found = {}
    for names, formula, error in tables(section(10))[0][1:]:
        for name in re.findall(r"`(\w+)`", names):
            found[name] = formula.strip(), error.strip()
    return found


def markdown() -> str:
    """Return the page's body: the metrics theme by theme, then the thresholds."""
    known = formulas()
    themes: dict[str, list[str]] = {}
    for name in METRICS:
        themes.setdefault(METRICS[name].theme or "On their own", []).append(name)
    parts = []
    for theme, named in themes.items():
        rows = [
            (
                f"{plain(METRICS[name].label)}<br>{code(name)}",
                plain(METRICS[name].about),
                known[name][0],
                known[name][1],
                _SOURCES.get(name, "this project"),
            )
            for name in named
        ]
        parts.append(
            f"## {theme}\n\n" + table(("metric", "what", "formula", "standard error", "source"), rows)
        )
    missing = set(metrics.names()) - {name for named in themes.values() for name in named}
    if missing:
        raise ValueError(f"metrics without a place: {missing}")
    header, *rows = tables(section(10))[1]
    parts.append("## Thresholds\n\n" + table(header, rows))
    return "\n".join(parts)
