"""Every metric of a problem by theme, under each method; one that is no longer known comes last."""

from collections.abc import Container
from dataclasses import replace

import numpy as np

from experiments.metrics import known
from experiments.metrics._metric import OTHERS
from experiments.records import Measurement, Threshold
from experiments.report.style import numbers
from experiments.report.style.numbers import Shown, missing
from experiments.report.tables.table import Column, Row, Table
from experiments.report.view import View, values_and_errors

_ENTRIES = {"wall_time": ("compiling", "running")}  # of records that do not name them


def metric_tables(view: View, without: Container[str] = ()) -> list[Table]:
    """Return a table for each theme that has a metric; those of `without` are left out."""
    metrics = known()
    themes = {name: one.theme for name, one in metrics.items()}
    titles = [*dict.fromkeys(theme for theme in themes.values() if theme not in ("", OTHERS)), OTHERS]
    measured = (name for entry in view.entries for name in entry.record.measurements)
    themes |= {name: OTHERS for name in measured if name not in metrics}
    shown = [(name, theme) for name, theme in themes.items() if name not in without]
    tables = (_table(view, title, [name for name, theme in shown if theme == title]) for title in titles)
    return [table for table in tables if table is not None]


def _table(view: View, title: str, names: list[str]) -> Table | None:
    rows, held = [], False
    for name, label, index in (line for one in names for line in _lines(view, one)):
        found = [entry.record.measurements.get(name) for entry in view.entries]
        shown = tuple(missing() if one is None else _shown(one, name, index) for one in found)
        if not any(one is not None and one.value is not None for one in found):
            continue  # a row of dashes tells nothing
        unit = next((one.unit for one in found if one is not None and one.unit), "")
        thresholds = [one.threshold for one in found if one is not None and one.threshold]
        held = held or bool(thresholds)
        rows.append(Row(label, (*shown, Shown(unit, numeric=False), _against(thresholds))))
    if not rows:
        return None
    heads = [*(entry.label for entry in view.entries), "Unit", "Held against"]
    if not held:
        heads.pop()
        rows = [Row(row.head, row.entries[:-1]) for row in rows]
    columns = tuple(Column(head, numeric=False) for head in heads)
    caption = f"{title}, ± standard error or [95 % interval]"
    return Table(caption, columns, tuple(rows), first="Metric")


def _lines(view: View, name: str) -> list[tuple[str, str, int | None]]:
    """Return one line for a metric, or one for each named entry of its list: metric, head, and entry."""
    label = known()[name].label if name in known() else name.replace("_", " ")
    for entry in view.entries:
        one = entry.record.measurements.get(name)
        if one is None or not isinstance(one.value, list):
            continue
        names = one.entries or _ENTRIES.get(name, ())
        if names and len(names) == len(one.value):
            return [(name, f"{label}: {head}", i) for i, head in enumerate(names)]
    return [(name, label, None)] if any(name in entry.record.measurements for entry in view.entries) else []


def _shown(one: Measurement, name: str, index: int | None) -> Shown:
    """Return a measurement's figure on this line, and whether it is beyond what it is held against."""
    if one.value is None or one.value == []:
        return Shown(numbers.DASH, note=one.note, numeric=False)
    values, errors = values_and_errors(one, one.value)
    if index is None:
        index = _worst(name, values)
    if index is None:
        low, high = numbers.rough(float(values.min())), numbers.rough(float(values.max()))
        return Shown(f"{low.text} to {high.text}", note=one.note, numeric=False)
    if index >= len(values) or not np.isfinite(values[index]):
        return Shown(numbers.DASH, note=one.note or "not a finite number", numeric=False)
    shown = _with_word(one, float(values[index]), float(errors[index]))
    exact = numbers.exactly(float(values[index]), float(errors[index]))
    shown = numbers.from_source(replace(shown, exact=exact), one.unit, name)
    return replace(shown, note="") if name in _ENTRIES else shown  # it is what the entries are called


def _worst(name: str, values: np.ndarray) -> int | None:
    """Return which entry of a nameless list stands for it, or None where none does."""
    if len(values) == 1:
        return 0
    if name == "sd_ratio" and (values > 0).any():
        return int(np.argmax(np.where(values > 0, np.abs(np.log(np.maximum(values, 1e-300))), -1.0)))
    if name == "mean_error" and np.isfinite(values).any():
        return int(np.nanargmax(np.abs(values)))
    return None


def _with_word(one: Measurement, value: float, error: float) -> Shown:
    if len(one.interval) == 2:
        low, high = (numbers.rough(float(end)).text for end in one.interval)
        text, beside = numbers.rough(value).text, f"[{low}, {high}]"
    elif np.isfinite(error) and (error > 0 or one.unit == "nats"):
        shown = numbers.with_error(value, error)
        text, beside = shown.text, shown.error
    else:
        text, beside = _plain(value), ""
    if one.threshold is not None and not _holds(value, one.threshold):
        beside = f"{beside} ({'below' if one.threshold.sense == 'at least' else 'above'})".strip()
    return Shown(text, beside, one.note, numeric=False)


def _holds(value: float, threshold: Threshold) -> bool:
    return value >= threshold.value if threshold.sense == "at least" else value <= threshold.value


def _plain(value: float) -> str:
    """Return a number without an error, very small ones as powers of ten."""
    if 0 < abs(value) < 1e-4:
        return numbers.typeset(f"{value:.1e}")
    return numbers.rough(value).text


def _against(thresholds: list[Threshold]) -> Shown:
    """Return what a metric is held against, and whose threshold that is."""
    if not thresholds:
        return Shown("", numeric=False)
    ends = sorted({threshold.value for threshold in thresholds})
    span = " to ".join(_plain(value) for value in dict.fromkeys((ends[0], ends[-1])))
    sources = dict.fromkeys(threshold.source or "convention" for threshold in thresholds)
    sign = "≥" if thresholds[0].sense == "at least" else "≤"
    return Shown(f"{sign} {span}", f"({'; '.join(sources)})", numeric=False)
