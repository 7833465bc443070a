"""Fewer sweeps: what `benchmarks/acceleration.py` finds, held to its targets."""

from collections.abc import Iterator

from acceleration import measure
from measuring import Row, Target

TITLE = "Sweeps with acceleration"
NOTE = """Sweeps until the bound is within 1e-10 of the optimum, plain and accelerated, from the same starts;
medians over data sets of overlapping components, 1.5 to 2.5 standard deviations apart. The share is the
median of the data sets' own shares; a target holds for every K, so the largest share is judged. Each data
set has one k-means++ start. "Ended lower" counts those in which acceleration ended at a lower optimum than
plain sweeps did, by more than 1e-9 relative; they have no share."""
MODELS = ("normal_gamma", "textbook")
TARGETS = (
    Target("accelerated sweeps, Normal-Gamma and Dirichlet weights, K = 2 to 5, of plain", 0.125, "of plain"),
    Target("accelerated sweeps, textbook model, K = 3 to 5, of plain", 0.334, "of plain"),
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every model and K, and the largest share of each model."""
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
                "ended lower": f"{found['lower']} of {found['sets']}",
                "ended higher": f"{found['higher']} of {found['sets']}",
            }
        )
    for model, target in zip(MODELS, TARGETS, strict=True):
        if shares[model]:
            largest = max(shares[model])
            yield Row({"model": model, "K": "all", "share": f"{largest:.3f}"}, target, largest)
