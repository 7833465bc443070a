"""Whether what was fitted fits the data: sentences on posterior predictive checks, apart from any agreement.

A method may agree with the reference on a model that does not fit, and fit what the posterior does not.
"""

from collections.abc import Mapping, Sequence

from experiments.records import Measurement


def p_value(measurement: Measurement | None) -> float | None:
    """Return the p-value of all checks together (Bonferroni); None where nothing was checked."""
    if measurement is None or not isinstance(measurement.value, list):
        return None
    return min(1.0, len(measurement.value) * min(measurement.value))


def fits(measurement: Measurement) -> bool:
    """Whether no check is below its threshold."""
    assert isinstance(measurement.value, list) and measurement.threshold is not None
    return min(measurement.value) >= measurement.threshold.value


def sentence(what: str, measurement: Measurement | None) -> str:
    """Return whether something, such as "CAVI's mixture", fits the data; empty if that was not checked."""
    if p_value(measurement) is None or measurement is None:
        return ""
    return _said(f"{what} {'fits' if fits(measurement) else 'does not fit'}", measurement)


def of_study(measurements: Sequence[Mapping[str, Measurement]]) -> str:
    """Return whether what the judged cells fitted fits the data, and what misses them most; or nothing."""
    checked = [one for one in measurements if p_value(one.get("data_fit")) is not None]
    if not checked:
        return ""
    worst = min(checked, key=lambda one: p_value(one["data_fit"]) or 0.0)
    number, misfits = len(checked), sum(not fits(one["data_fit"]) for one in checked)
    if not misfits:
        return _said(
            "the fitted mixture fits" if number == 1 else "every fitted mixture fits", worst["data_fit"]
        )
    many = f"{misfits} of {number} fitted mixtures {'does' if misfits == 1 else 'do'} not fit"
    said = _said("the fitted mixture does not fit" if number == 1 else many, worst["data_fit"])
    truth = worst.get("reference_data_fit")
    if truth is None or p_value(truth) is None:
        return said
    if fits(truth):
        return f"{said} The reference's fits them: it is the method that does not."
    return f"{said} Nor does the reference's: it is the model that does not fit."


def _said(what: str, measurement: Measurement) -> str:
    """Return the sentence that begins with what fits or does not."""
    p = p_value(measurement) or 0.0
    begin = f"{what[:1].upper()}{what[1:]} the data"
    size = f"posterior predictive p {'< 0.0001' if p < 1e-4 else f'= {p:.2g}'}"
    if fits(measurement):
        return f"{begin}, as far as they can tell ({size})."
    return f"{begin} ({size}): {measurement.note}."
