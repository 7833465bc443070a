"""From one start to convergence, every sweep over every point."""

from collections.abc import Iterator

import numpy as np
from measuring import ALL_THREADS, Row, direct, ms, power, seconds, spaced

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
)

TITLE = "To convergence, without condensing"
NOTE = f"""One call of `fit` from one start, defaults otherwise, all threads ({ALL_THREADS}); five
clusters, each four standard deviations from the next. One run each, so that these times are less sure than
the ratios above."""
TARGETS = ()
K = 5


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every family and size."""
    models = (
        (1, Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), K)),
        (1, Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), K)),
        (2, Mixture(NormalWishart(np.zeros(2), 0.1, 4.0, 4 * np.eye(2)), DirichletWeights(1.0), K)),
    )
    for D, mixture in models:
        fit(mixture, spaced(50_000, K, D), rng=0, starts=1, max_sweeps=2, **direct())
        for n_points in (10**3, 10**4, 10**5) if quick else (10**4, 10**5, 10**6):
            x, found = spaced(n_points, K, D), []
            taken = seconds(
                lambda m=mixture, x=x, found=found: found.append(fit(m, x, rng=0, starts=1, **direct()))
            )
            sweeps = len(found[0].half_step_trace)
            yield Row(
                {
                    "N": power(n_points),
                    "D": str(D),
                    "family": type(mixture.components).__name__,
                    "s": f"{taken:.3g}",
                    "sweeps": str(sweeps),
                    "ms a sweep, start included": ms(taken / sweeps),
                    "ended": found[0].status.name.lower().replace("_", " "),
                }
            )
