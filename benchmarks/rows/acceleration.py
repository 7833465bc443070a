"""Fewer sweeps: what `benchmarks/acceleration.py` finds, held to its targets."""

from collections.abc import Iterator

from measuring import NotRunError, Row, Target

TITLE = "Sweeps with acceleration"
NOTE = """Sweeps until the bound is within 1e-10 of the optimum, plain and accelerated, from the same starts;
medians over data sets of overlapping components, 1.5 to 2.5 standard deviations apart. The share is the
median of the data sets' own shares; a target holds for every K, so the largest share is judged."""
MODELS = ("normal_gamma", "textbook")
TARGETS = (
    Target("accelerated sweeps, Normal-Gamma and Dirichlet weights, K = 2 to 5, of plain", 0.125, "of plain"),
    Target("accelerated sweeps, textbook model, K = 3 to 5, of plain", 0.334, "of plain"),
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every model and K, and the largest share of each model.

    `acceleration.measure(quick)` yields dicts with model ("normal_gamma" or "textbook"), K, plain,
    accelerated and share.
    """
    try:
        from acceleration import measure
    except ImportError:
        raise NotRunError("there is no benchmarks/acceleration.py with a measure(quick) yet") from None
    shares: dict[str, list[float]] = {model: [] for model in MODELS}
    for found in measure(quick):
        shares[found["model"]].append(found["share"])
        yield Row(
            {
                "model": found["model"],
                "K": str(found["K"]),
                "plain sweeps": f"{found['plain']:.0f}",
                "accelerated": f"{found['accelerated']:.0f}",
                "share": f"{found['share']:.3f}",
            }
        )
    for model, target in zip(MODELS, TARGETS, strict=True):
        if shares[model]:
            largest = max(shares[model])
            yield Row({"model": model, "K": "all", "share": f"{largest:.3f}"}, target, largest)
