"""Whether what was fitted fits the data: sentences on posterior predictive checks."""

from collections.abc import Mapping, Sequence

from experiments.records import Measurement


def p_values(measurement: Measurement | None) -> dict[str, float]:
    """Return the p-value of each kind of check; none where nothing was checked."""
    if measurement is None or not isinstance(measurement.value, list):
        return {}
    return dict(zip(measurement.entries, measurement.value, strict=True))


def share_of_threshold(measurement: Measurement) -> float:
    """Return the smallest p-value over its threshold: below 1, something does not fit."""
    assert measurement.threshold is not None
    return min(p_values(measurement).values()) / measurement.threshold.value


def fits(measurement: Measurement) -> bool:
    """Whether no check is below its threshold."""
    return share_of_threshold(measurement) >= 1


def sentence(what: str, measurement: Measurement | None) -> str:
    """Return whether something, such as "CAVI's mixture", fits the data; empty if that was not checked."""
    found = p_values(measurement).values()
    if measurement is None or not found:
        return ""
    p = min(1.0, len(found) * min(found))  # of all checks together (Bonferroni)
    size = f"posterior predictive p {'< 0.0001' if p < 1e-4 else f'= {p:.2g}'}"
    if fits(measurement):
        return f"{what} fits the data, as far as they can tell ({size})."
    return f"{what} does not fit the data ({size}): {measurement.note}."


def of_study(measurements: Sequence[Mapping[str, Measurement]]) -> str:
    """Return how many judged cells fit the data, and what the worst misses; empty if nothing was checked."""
    checked = [one for one in measurements if p_values(one.get("data_fit"))]
    if not checked:
        return ""
    worst = min(checked, key=lambda one: share_of_threshold(one["data_fit"]))
    said, truth = sentence("The fitted mixture", worst["data_fit"]), worst.get("reference_data_fit")
    if len(checked) > 1:
        number = sum(fits(one["data_fit"]) for one in checked)
        least = sentence("The one that fits least", worst["data_fit"])
        said = f"Fitted mixtures that fit the data: {number} of {len(checked)}. {least}"
    if truth is None or not p_values(truth) or fits(worst["data_fit"]):
        return said
    end = "The reference's fits them: it is the method that does not." if fits(truth) else ""
    return f"{said} {end or "Nor does the reference's: it is the model that does not fit."}"
