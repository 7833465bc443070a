"""Against scikit-learn's BayesianGaussianMixture, per iteration."""

from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
from measuring import (
    ALL_THREADS,
    Difference,
    NotRunError,
    Row,
    Target,
    blas_threads,
    clusters,
    in_turns,
    ms,
    our_sweeps,
    power,
)
from peers import scikit_learn

from hand_cavi import DirichletWeights, Mixture, NormalGamma, NormalWishart

TITLE = "Against scikit-learn, per iteration"
NOTE = """Equal data, K and number of iterations; scikit-learn's BayesianGaussianMixture with Dirichlet
weights, init_params="random" and tol=0, a run of five iterations less a run of one, so that no start is
counted; "full" is beside Normal-Wishart, "diag" beside Normal-Gamma. scikit-learn's BLAS gets the number of
threads that we get. Both take turns in one process; the ratio is of medians. Every sweep of ours includes
the bound with its constants; we run sixty a turn.
scikit-learn's time an iteration differs from run to run by half and more, most with diagonal covariances."""

SHAPES = ((2, 5), (10, 10))
REPEATS = {"full": 3, "diag": 7}
TARGETS = tuple(
    Target(f"D = {D}, K = {K}, against scikit-learn ({kind})", 40, "times", at_least=True)
    for D, K in SHAPES
    for kind in ("full", "diag")
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield two rows for every shape, kind and number of threads."""
    if find_spec("sklearn") is None:
        raise NotRunError("scikit-learn is not installed")
    n_points = 10**5 if quick else 10**6
    targets = iter(TARGETS)
    for D, K in SHAPES:
        x, start = clusters(n_points, K, D)
        mixtures = {
            "full": Mixture(NormalWishart(np.zeros(D), 1.0, D + 1.0, np.eye(D)), DirichletWeights(1.0), K),
            "diag": Mixture(NormalGamma(np.zeros(D), 1.0, 1.0, 1.0), DirichletWeights(1.0), K),
        }
        for kind, mixture in mixtures.items():
            target = next(targets)
            for threads in sorted({1, ALL_THREADS}):
                yield from pair(kind, mixture, x, start, threads, target if threads == ALL_THREADS else None)


def pair(
    kind: str, mixture: Mixture, x: np.ndarray, start: np.ndarray, threads: int, target: Target | None
) -> Iterator[Row]:
    """Yield the row of scikit-learn and ours."""
    n_points, n_components, n_features = *start.shape, x.shape[1]
    peer = partial(scikit_learn.iterations, kind, n_components, x)
    names = f"scikit-learn {version('scikit-learn')}", type(mixture.components).__name__
    with blas_threads(threads):
        timings = in_turns(
            {names[0]: Difference(peer, 1, 5), names[1]: lambda: our_sweeps(mixture, x, start, threads, 60)},
            REPEATS[kind],
        )
    theirs, ours = (timings[name] for name in names)
    for name, timing in timings.items():
        ratio = theirs.median / timing.median
        yield Row(
            {
                "N": power(n_points),
                "D": str(n_features),
                "K": str(n_components),
                "covariance": kind,
                "threads": str(threads),
                "iteration": name,
                "ms, median": ms(timing.median),
                "ms, best": ms(timing.best),
                "ns per point and component": f"{timing.median / n_points / n_components * 1e9:.2f}",
                "times faster": f"{ratio:.1f}" if timing is ours else "",
                "by the best": f"{theirs.best / ours.best:.1f}" if timing is ours else "",
            },
            target if timing is ours else None,
            ratio if timing is ours and target else None,
        )
