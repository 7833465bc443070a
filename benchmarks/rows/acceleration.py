"""Fewer sweeps: what `benchmarks/acceleration.py` finds."""

from collections.abc import Iterator

from measuring import NotRunError, Row, Target

TITLE = "Sweeps with acceleration"
NOTE = """Sweeps until the bound is within 1e-10 of the optimum, as a share of plain sweeps from the same
start; the median over data sets of overlapping components, 1.5 to 2.5 standard deviations apart."""
TARGETS = (
    Target("accelerated sweeps, Normal-Gamma and Dirichlet weights, K = 2 to 5, share of plain", 1 / 8, ""),
    Target("accelerated sweeps, textbook model, K = 3 to 5, share of plain", 1 / 3, ""),
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every model and K, and the largest share of each model."""
    try:
        from acceleration import measure
    except ImportError:
        raise NotRunError("there is no benchmarks/acceleration.py yet") from None
    yield from measure(quick)
