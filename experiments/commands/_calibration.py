"""A calibration as the one JSON document of ``calibrate --json``, and as tables for a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.calibration.effects import Effect
from experiments.calibration.records import CalibrationRecord, MethodResult, QuantityResult
from experiments.commands._tables import stdout
from experiments.report.style.numbers import MINUS, fixed

_COLOURS = {"calibrated": "green", "undecided": "yellow"}


def summary(record: CalibrationRecord, *, report: str) -> dict[str, Any]:
    """Return a calibration's figures as JSON content; a figure that does not exist is None.

    Returns
    -------
    dict
        ``calibration``, ``store``, ``report``, ``verdict`` (calibrated, flagged or undecided),
        ``verdict_sentence``, ``error_rate``, ``test_level``, the margins, ``models``. Every model has
        ``methods``, and these have ``quantities`` with effects, p values and coverage.
    """
    return {
        "calibration": record.name,
        "store": str(record.folder / "batches"),
        "report": report,
        "verdict": record.decision,
        "verdict_sentence": record.sentence,
        "replicates": record.replicates,
        "points": record.points,
        "seed": record.seed,
        "error_rate": record.error_rate,
        "test_level": record.test_level,
        "shift_margin": record.shift_margin,
        "width_margin": record.width_margin,
        "versions": record.versions,
        "machine": record.machine,
        "models": [
            {"model": model.model, "about": model.about, "methods": [_method(one) for one in model.methods]}
            for model in record.models
        ],
    }


def _method(one: MethodResult) -> dict[str, Any]:
    return {
        "method": one.method,
        "kind": one.kind,
        "judged": one.judged,
        "verdict": one.decision,
        "verdict_sentence": one.sentence,
        "replicates": one.replicates,
        "refused": one.refused,
        "failed": one.failed,
        "draws_ranked_among": one.ranked,
        "processor_seconds": one.processor_seconds,
        "quantities": [_quantity(quantity) for quantity in one.quantities],
    }


def _quantity(one: QuantityResult) -> dict[str, Any]:
    return {
        "quantity": one.quantity,
        "verdict": one.decision,
        "findings": list(one.findings),
        "shift": _effect(one.shift),
        "width": _effect(one.width),
        "band_p": one.band_p,
        "symmetry_p": one.symmetry_p,
        "coverage": [{"level": c.level, "share": c.share, "interval": [c.low, c.high]} for c in one.coverage],
        "replicates_needed": one.needs,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {"value": effect.value, "interval": [effect.low, effect.high], "p": effect.p_value}


def print_calibration(record: CalibrationRecord, *, report: str, console: Console | None = None) -> None:
    """Print a calibration for a reader, to stdout unless another console is given."""
    console = console or stdout()
    style = _COLOURS.get(record.decision, "red")
    console.print(Text(record.sentence, style=f"bold {style}"))
    for model in record.models:
        console.print()
        console.print(f"{model.model}: {record.points} points a data set", style="bold", highlight=False)
        console.print(model.about, style="dim", highlight=False)
        console.print(_table(model.methods))
        for one in model.methods:
            judged = "" if one.judged else " (not judged)"
            console.print(f"{one.sentence}{judged}", highlight=False, markup=False)
            for what, reasons in (("left out", one.refused), ("failed", one.failed)):
                for why, number in reasons.items():
                    console.print(
                        f"  {number} replicates {what}: {why}", style="yellow", highlight=False, markup=False
                    )
    console.print()
    console.print(f"Report: {report}", highlight=False, markup=False, soft_wrap=True)


def _table(methods: tuple[MethodResult, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("method", no_wrap=True)
    table.add_column("quantity", no_wrap=True)
    for heading in ("shift / sd", "width", "50 %", "80 %", "95 %", "band p"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for one in methods:
        for row, quantity in enumerate(one.quantities):
            table.add_row(one.method if row == 0 else "", *_row(quantity))
    return table


def _row(one: QuantityResult) -> list[str]:
    shares = [f"{100 * c.share:.1f}" for c in one.coverage]
    shift = f"{fixed(one.shift.value, 2)} [{fixed(one.shift.low, 2)}, {fixed(one.shift.high, 2)}]"
    width = f"{one.width.value:.2f} [{one.width.low:.2f}, {one.width.high:.2f}]"
    p = "< 0.0001" if one.band_p < 1e-4 else f"{one.band_p:.4f}"
    words = ", ".join(one.findings) or one.decision
    return [one.quantity, shift.replace("-", MINUS), width, *shares, p, words]
