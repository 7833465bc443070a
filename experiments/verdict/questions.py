"""From measurements to the questions of a verdict: what is judged, in which unit, against which margin.

The table is in docs/how-it-judges.md, "The verdict". Means and sds are those of a mixture's sorted locations,
or of what a user's own model compares, by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import log

import numpy as np

from experiments.config.options import JUDGED, Judged, VerdictOptions
from experiments.records import Measurement
from experiments.verdict.equivalence import Question

_METRICS: dict[Judged, tuple[str, ...]] = {
    "means": ("mean_error",),
    "sds": ("sd_ratio",),
    "parameters": ("parameter_error", "parameter_sd_ratio"),
    "likelihood": ("likelihood_error", "likelihood_sd_ratio"),
    "predictive": ("predictive_distance",),
    "co_clustering": ("co_clustering",),
    "evidence": ("evidence_gap",),
}


def questions_of(
    measurements: Mapping[str, Measurement],
    options: VerdictOptions,
    *,
    quantity: str = "mean",
    entries: Sequence[str] = (),
) -> tuple[list[Question], list[str]]:
    """Return what is to be judged, and a clause for each kind that is to be judged and has no figure.

    The arguments are those of `experiments.verdict.verdict_of_cell`.
    """
    questions: list[Question] = []
    missing: list[str] = []
    for kind in judged(measurements, options):
        for metric in _METRICS[kind]:
            measurement = measurements.get(metric)
            if metric == "likelihood_sd_ratio" and (measurement is None or measurement.value is None):
                continue  # it is asked of samplers alone
            if measurement is None or measurement.value is None or measurement.standard_error is None:
                missing.append((measurement and measurement.note) or f"{metric} was not measured")
            elif metric == "mean_error":
                names = _names(measurement, quantity, entries, own="mean of ")
                questions += _means(measurement, names, _method_errors(measurements), options.margin)
            elif metric == "parameter_error":
                questions += _means(measurement, list(measurement.entries), None, options.margin)
            elif metric in ("sd_ratio", "parameter_sd_ratio", "likelihood_sd_ratio"):
                names = _names(measurement, quantity, entries)
                questions += _sds(measurement, names, log(options.sd_factor))
            else:
                questions.append(_one_figure(kind, measurement, options))
    return questions, list(dict.fromkeys(missing))


def judged(measurements: Mapping[str, Measurement], options: VerdictOptions) -> tuple[Judged, ...]:
    """Return what is judged: what the options say, else all of `JUDGED` that this kind of study measures."""
    if options.judge is not None:
        return options.judge
    return tuple(kind for kind in JUDGED if any(name in measurements for name in _METRICS[kind]))


def _means(
    measurement: Measurement, names: list[str], method_errors: np.ndarray | None, margin: float
) -> Iterator[Question]:
    for i, (difference, error) in enumerate(_figures(measurement)):
        known = None if method_errors is None else float(method_errors[i])
        yield Question(names[i], difference, error, margin, method_error=known)


def _sds(measurement: Measurement, names: list[str], margin: float) -> Iterator[Question]:
    """Yield ln(ratio), whose error is the ratio's relative error (delta method)."""
    for name, (ratio, error) in zip(names, _figures(measurement), strict=True):
        difference, of_log = (log(ratio), error / ratio) if ratio > 0 else (-np.inf, 0.0)
        yield Question(f"standard deviation of {name}", difference, of_log, margin, "log ratio")


def _one_figure(kind: Judged, measurement: Measurement, options: VerdictOptions) -> Question:
    value, error = _figures(measurement)[-1]  # of co-clustering the mean difference stands last
    if kind == "likelihood":
        margin = (1 - options.sd_factor**-2) / 2
        return Question("log likelihood", value, error, margin, measurement.unit)
    name, margin = {
        "predictive": ("predictive distance", options.predictive_distance),
        "co_clustering": ("mean co-clustering difference", options.co_clustering),
        "evidence": ("evidence gap", options.evidence_gap),
    }[kind]
    return Question(name, value, error, margin, measurement.unit, one_sided=True)


def _method_errors(measurements: Mapping[str, Measurement]) -> np.ndarray | None:
    """Return the method's own part of the means' errors in reference sds, flat; None if it is not known.

    The means have it in the data's unit, and a reference sd is the method's over their ratio.
    """
    prefix = "" if "means" in measurements else "sorted_"
    needed = [measurements.get(name) for name in (f"{prefix}means", f"{prefix}sds", "sd_ratio")]
    if any(one is None or one.value is None for one in needed):
        return None
    means, sds, ratios = (one for one in needed if one is not None)
    if means.standard_error is None:
        return None
    errors, sd, ratio = (flat(figures) for figures in (means.standard_error, sds.value, ratios.value))
    if not errors.shape == sd.shape == ratio.shape or not (sd > 0).all():
        return None
    return errors * ratio / sd


def _figures(measurement: Measurement) -> list[tuple[float, float]]:
    values, errors = flat(measurement.value), flat(measurement.standard_error)
    return list(zip(values.tolist(), errors.tolist(), strict=True))


def flat(figures: object) -> np.ndarray:
    """Return the figures of a measurement, flat; NaN where there are none."""
    return np.asarray(figures, dtype=np.float64).ravel()


def _names(measurement: Measurement, quantity: str, entries: Sequence[str], own: str = "") -> list[str]:
    """Return "sorted mean 2, feature 1" and so on, for figures (K,) or (K, L) in the order of their rows.

    Figures of an own model have names, and `own` is put before them.
    """
    if measurement.entries:
        return [f"{own}{name}" for name in measurement.entries]
    shape = np.shape(np.asarray(measurement.value, dtype=np.float64))
    return [
        f"sorted {quantity} {index[0] + 1}"
        + "".join(f", {entries[i] if entries else f'feature {i + 1}'}" for i in index[1:])
        for index in np.ndindex(shape)
    ]
