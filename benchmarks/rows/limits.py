"""The share of the machine's own limit that a sweep reaches."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from measuring import (
    NotRunError,
    Row,
    Target,
    blas_threads,
    clusters,
    in_turns,
    ms,
    our_sweeps,
    power,
    seconds,
)

from hand_cavi import DirichletWeights, Mixture, NormalGamma, NormalWishart

TITLE = "Share of the machine's limit"
NOTE = """One thread. "exp alone" is the kernel's own exponential, compiled and in vector instructions, of N K
numbers in blocks that stay in the cache. "products alone" is the time that BLAS would take for the sweep's
two matrix products, 4 N K P operations for P statistics, at the speed that it reaches with two matrices of
512 x 512, which is more than it reaches with such narrow ones. The share is their sum over the sweep's time:
what the sweep would have left, were everything else free. It can be more than 1, where the sweep does better
than BLAS: statistics that are constant cost it nothing, and its matrices stay in the cache. With five
components what is done once for a row, whatever their number, is a third of a sweep: its features are read
and multiplied, and one division. "read alone" is numpy's sum of an array of as many numbers as the data have.
All take turns in one process; medians."""
SHAPES = ((1, 5), (1, 20), (2, 5), (10, 10))
TARGETS = tuple(
    Target(f"D = {D}, K = {K}, share of the machine's limit, 1 thread", 75, "%", at_least=True)
    for D, K in SHAPES
)
BLOCK = 256  # numbers whose exponentials are taken again and again
SIDE = 512  # of the matrices whose product tells how fast BLAS is


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every shape."""
    try:
        from numba import njit

        from hand_cavi.data.vectors import FUSED, LANES, exp, load, store
    except ImportError:
        raise NotRunError("numba is not installed") from None

    @njit(**FUSED)
    def exp_alone(block: np.ndarray, out: np.ndarray, times: int) -> None:
        for _ in range(times):
            for i in range(0, BLOCK, LANES):
                store(out, i, exp(load(block, i)))

    n_points = 10**5 if quick else 10**6
    block, out = -np.linspace(0, 30, BLOCK), np.empty(BLOCK)
    exp_alone(block, out, 1)
    square = np.random.default_rng(0).random((SIDE, SIDE))
    for (D, K), target in zip(SHAPES, TARGETS, strict=True):
        x, start = clusters(n_points, K, D)
        prior = NormalWishart(np.zeros(D), 1.0, D + 1.0, np.eye(D))
        if D == 1:
            prior = NormalGamma(0.0, 1.0, 1.0, 1.0)
        mixture = Mixture(prior, DirichletWeights(1.0), K)
        our_sweeps(mixture, x, start, 1, 2)
        timings = in_turns(
            {
                "exp": lambda K=K: [seconds(lambda: exp_alone(block, out, n_points * K // BLOCK))],
                "read": lambda x=x: [seconds(x.sum)],
                "blas": partial(one_thread, lambda: square @ square),
                "sweep": lambda m=mixture, x=x, start=start: our_sweeps(m, x, start, 1, 20),
            },
            3,
        )
        sweep, exp, read, blas = (timings[name].median for name in ("sweep", "exp", "read", "blas"))
        operations = 4 * n_points * K * prior.natural.shape[-1]
        products = operations / (2 * SIDE**3 / blas)
        yield Row(
            {
                "N": power(n_points),
                "D": str(D),
                "K": str(K),
                "family": type(prior).__name__,
                "sweep, ms": ms(sweep),
                "exp alone, ms": ms(exp),
                "products alone, ms": ms(products),
                "share of both": f"{(exp + products) / sweep:.0%}",
                "read alone, ms": ms(read),
                "share of the read": f"{read / sweep:.0%}",
                "arithmetic, GFlop/s": f"{operations / sweep / 1e9:.1f}",
            },
            target,
            100 * (exp + products) / sweep,
        )


def one_thread(call: Callable[[], object]) -> list[float]:
    """Return the time of a call whose matrix products use one thread."""
    with blas_threads(1):
        return [seconds(call)]
